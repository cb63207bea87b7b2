SELECT
    trace_id, span_id,
    toUnixTimestamp64Nano(start_time) AS start_ns,
    input, output, attributes, input_attribute, output_attribute, events
FROM span_payloads
WHERE project = {project:String} AND trace_id IN {trace_ids:Array(String)}
