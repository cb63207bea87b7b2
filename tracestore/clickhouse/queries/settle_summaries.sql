INSERT INTO stored_traces
(
    project, trace_id, name, agent, service, session_id, user_id, start_time, end_time, duration_ns,
    span_count, llm_calls, tool_calls, errors, input_tokens, output_tokens, cache_read_tokens,
    cache_write_tokens, reasoning_tokens, cost_usd, unpriced_calls, incomplete, status, running_until,
    models, tools, agents, input_preview, output_preview, version
)
SELECT
    project, trace_id, name, agent, service, session_id, user_id, start_time, end_time, duration_ns,
    span_count, llm_calls, tool_calls, errors, input_tokens, output_tokens, cache_read_tokens,
    cache_write_tokens, reasoning_tokens, cost_usd, unpriced_calls, incomplete, status, running_until,
    models, tools, agents, input_preview, output_preview, {version:UInt64}
FROM
(
    WITH earliest AS (SELECT {since:DateTime64(9, 'UTC')} AS since)
    /*include trace_summary*/
)
