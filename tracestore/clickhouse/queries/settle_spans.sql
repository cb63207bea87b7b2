-- The traces to which the rules are applied once more: those of one write were resolved before they
-- were stored, unless log records have added something to them.
SELECT
    project, trace_id, span_id, parent_span_id, name, kind, status, scope_name, scope_version, service,
    toUnixTimestamp64Nano(start_time) AS start_ns, duration_ns, input_preview, output_preview,
    type, agent, agent_id, agent_version, session_id, user_id, error_type, provider, model, request_model, operation,
    usage_rule, price_source, tool_name, tool_call_id, finish_reason, response_id, convention,
    input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_usd
FROM stored_spans FINAL
PREWHERE (project, trace_id) IN (SELECT project, trace_id FROM apart)
WHERE start_time >= {since:DateTime64(9, 'UTC')}
