SELECT
    trace_id, span_id,
    toUnixTimestamp64Nano(start_time) AS start_ns,
    input, output, attributes, input_attribute, output_attribute, events
FROM span_payloads
WHERE project = {project:String} AND trace_id = {trace_id:String} AND span_id IN {span_ids:Array(String)}
  -- The sort key has the start: only the part's own granules are read.
  AND start_time >= fromUnixTimestamp64Nano({first_ns:Int64}, 'UTC')
  AND start_time <= fromUnixTimestamp64Nano({last_ns:Int64}, 'UTC')
