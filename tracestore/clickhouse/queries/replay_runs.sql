SELECT trace_id, toUnixTimestamp64Nano(start_time) AS start_ns
FROM stored_traces FINAL
WHERE project = {project:String}
  AND start_time >= toDateTime64({since:String}, 9, 'UTC') AND start_time < toDateTime64({until:String}, 9, 'UTC')
  AND start_time >= fromUnixTimestamp64Nano({start:Int64}, 'UTC')
  AND (start_time, trace_id) > (fromUnixTimestamp64Nano({start:Int64}, 'UTC'), {trace_id:String})
  AND ({agent:String} = '' OR has(agents, {agent:String}))
ORDER BY start_time, trace_id
LIMIT {size:UInt64}
