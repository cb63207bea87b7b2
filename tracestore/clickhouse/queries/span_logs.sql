-- The log records of spans; also evaluations that name no span, which may mean one by its response id.
SELECT toUnixTimestamp64Nano(time), event_name, body, body_type, attributes, attribute_types, severity_text, span_id
FROM stored_logs FINAL
WHERE project = {project:String} AND trace_id = {trace_id:String}
  AND (span_id IN {span_ids:Array(String)} OR (span_id = '' AND event_name = 'gen_ai.evaluation.result'))
ORDER BY time, content_hash
LIMIT {limit:UInt32} BY span_id
