-- Traces that have a span for which all conditions hold, newest such span first. Without FINAL: a
-- span that was stored twice is still one trace.
SELECT trace_id, toUnixTimestamp64Nano(max(start_time)) AS latest_ns
FROM stored_spans
WHERE project = {project:String}
  AND start_time >= fromUnixTimestamp64Nano({start_ns:Int64}, 'UTC')
  AND start_time <= fromUnixTimestamp64Nano({end_ns:Int64}, 'UTC')
  AND /*conditions*/
GROUP BY trace_id
ORDER BY latest_ns DESC, trace_id DESC
LIMIT {limit:UInt32}
