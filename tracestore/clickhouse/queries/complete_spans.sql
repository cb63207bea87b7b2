-- All spans of some traces of one project, with what the rules over traces look at.
SELECT
    trace_id, span_id, parent_span_id, name, kind, status, scope_name, scope_version, service,
    toUnixTimestamp64Nano(start_time) AS start_ns, duration_ns, links.trace_id AS link_traces,
    links.span_id AS link_spans, input_preview AS input, output_preview AS output, input_bytes, output_bytes,
    type, agent, agent_id, agent_version, session_id, user_id, error_type, provider, model, request_model, operation,
    usage_rule, price_source, tool_name, tool_call_id, finish_reason, response_id, convention,
    input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_usd
FROM stored_spans FINAL
WHERE project = {project:String} AND trace_id IN {traces:Array(String)}
  AND start_time >= fromUnixTimestamp64Nano({first:Int64}) - INTERVAL 1 DAY
