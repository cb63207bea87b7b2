SELECT span_id, input, output, attributes, input_attribute, output_attribute, events
FROM span_payloads
WHERE project = {project:String} AND trace_id = {trace_id:String} AND span_id IN {span_ids:Array(String)}
ORDER BY start_time DESC
LIMIT 1 BY span_id
