CREATE OR REPLACE VIEW {database}.llm_calls AS
SELECT
    project, trace_id, span_id, parent_span_id, name, service, agent, agent_id, agent_version, session_id, user_id,
    start_time, end_time, duration_ns, status, status_message, error_type, provider, model, request_model,
    operation, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens,
    usage_rule, cost_usd, price_source, finish_reason, response_id, convention, dropped_attributes,
    input_preview, output_preview
FROM {database}.spans
WHERE type = 'llm';

-- arguments and result are whole up to the preview length of tool spans; input_bytes and
-- output_bytes tell the true sizes, and span_payloads has all of it.
CREATE OR REPLACE VIEW {database}.tool_calls AS
SELECT
    project, trace_id, span_id, parent_span_id, tool_name, tool_call_id, input_preview AS arguments,
    output_preview AS result, input_bytes, output_bytes, service, agent, agent_id, agent_version, session_id, user_id,
    start_time, end_time, duration_ns, status, status_message, error_type, convention
FROM {database}.spans
WHERE type = 'tool';
