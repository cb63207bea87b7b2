CREATE OR REPLACE VIEW {database}.llm_calls AS
SELECT
    project, trace_id, span_id, parent_span_id, name, service, agent, agent_id, agent_version, session_id, user_id,
    start_time, end_time, duration_ns, status, status_message, error_type, provider, model, request_model,
    operation, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens,
    usage_rule, cost_usd, price_source, finish_reason, response_id, convention, dropped_attributes,
    input_preview, output_preview
FROM {database}.spans
WHERE type = 'llm';

-- arguments and result are whole; if a limit ever cut them, input_bytes and output_bytes tell the true
-- sizes. Rows may be here whose spans are gone: the trail has a retention of its own.
CREATE OR REPLACE VIEW {database}.tool_calls AS
SELECT
    project, trace_id, span_id, parent_span_id, name, tool_name, tool_call_id, arguments, result,
    input_bytes, output_bytes, service, agent, agent_id, agent_version, session_id, user_id, start_time,
    addNanoseconds(start_time, toInt64(duration_ns)) AS end_time, duration_ns, status, status_message,
    error_type, convention, scope_name, scope_version, dropped_attributes
FROM {database}.stored_tool_calls FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;
