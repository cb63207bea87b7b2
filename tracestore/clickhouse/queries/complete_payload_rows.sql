SELECT * FROM stored_payloads FINAL
WHERE project = {project:String} AND (trace_id, span_id) IN {spans:Array(Tuple(String, String))}
  AND start_time >= fromUnixTimestamp64Nano({first:Int64}) - INTERVAL 1 DAY
