-- What model calls and AutoGen's messages said, of calls that the rules can read.
SELECT trace_id, span_id, if(length(input) <= {longest:UInt32}, input, ''), if(length(output) <= {longest:UInt32}, output, '')
FROM stored_payloads FINAL
WHERE project = {project:String} AND (trace_id, span_id) IN {spans:Array(Tuple(String, String))}
  AND start_time >= fromUnixTimestamp64Nano({first:Int64}) - INTERVAL 1 DAY
