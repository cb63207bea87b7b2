SELECT count()
FROM stored_traces FINAL
WHERE project = {project:String}
  AND start_time >= toDateTime64({since:String}, 9, 'UTC') AND start_time < toDateTime64({until:String}, 9, 'UTC')
  AND ({agent:String} = '' OR has(agents, {agent:String}))
