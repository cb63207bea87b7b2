SELECT trace_id
FROM stored_spans
WHERE project = {project:String}
  AND start_time >= fromUnixTimestamp64Nano({start_ns:Int64}, 'UTC')
  AND start_time <= fromUnixTimestamp64Nano({end_ns:Int64}, 'UTC')
GROUP BY trace_id
HAVING min(service) != max(service)
