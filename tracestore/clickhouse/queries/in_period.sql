project = {project:String}
AND start_time >= toDateTime64({since:String}, 9, 'UTC') AND start_time < toDateTime64({until:String}, 9, 'UTC')
