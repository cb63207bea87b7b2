project = {project:String} AND NOT dismissed
AND last_seen >= toDateTime64({since:String}, 9, 'UTC') AND last_seen < toDateTime64({until:String}, 9, 'UTC')
AND first_seen < toDateTime64({until:String}, 9, 'UTC')
