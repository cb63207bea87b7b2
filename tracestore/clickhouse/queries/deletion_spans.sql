-- How many spans traces have, and from when to when.
SELECT uniqExact(trace_id, span_id), toUnixTimestamp64Nano(min(start_time)), toUnixTimestamp64Nano(max(start_time))
FROM stored_spans
WHERE project = {project:String} AND trace_id IN (SELECT trace_id FROM chosen)
