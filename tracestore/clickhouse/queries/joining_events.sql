-- The events of some traces beside what their spans have already. Messages, which are long, only
-- where the span has none of its own.
SELECT
    logs.project, logs.trace_id, logs.span_id,
    spans.type, spans.session_id, spans.user_id, spans.finish_reason, spans.error_type,
    spans.input_bytes = 0, spans.output_bytes = 0,
    toUnixTimestamp64Nano(logs.time), logs.event_name,
    if(lacks_messages, logs.body, ''), logs.body_type,
    if(lacks_messages, logs.attributes, mapFilter((key, value) -> length(value) <= 512, logs.attributes)),
    logs.attribute_types
FROM
(
    SELECT project, trace_id, span_id, time, content_hash, event_name, body, body_type, attributes, attribute_types
    FROM stored_logs FINAL
    WHERE (project, trace_id) IN {traces:Array(Tuple(String, String))}
      AND startsWith(event_name, 'gen_ai.') AND span_id != ''
      AND time >= {since:DateTime64(9, 'UTC')} - INTERVAL 1 DAY
) AS logs
INNER JOIN
(
    SELECT
        project, trace_id, span_id, type, session_id, user_id, finish_reason, error_type, input_bytes, output_bytes,
        input_bytes = 0 OR output_bytes = 0 AS lacks_messages
    FROM stored_spans FINAL
    WHERE (project, trace_id) IN {traces:Array(Tuple(String, String))}
      AND start_time >= {since:DateTime64(9, 'UTC')}
) AS spans
ON logs.project = spans.project AND logs.trace_id = spans.trace_id AND logs.span_id = spans.span_id
ORDER BY logs.project, logs.trace_id, logs.span_id, logs.time, logs.content_hash
