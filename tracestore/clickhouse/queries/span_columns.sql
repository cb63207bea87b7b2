trace_id, span_id, parent_span_id, name, kind, type, service, agent, agent_id, agent_version, session_id, user_id,
toUnixTimestamp64Nano(start_time) AS start_ns,
toUnixTimestamp64Nano(addNanoseconds(start_time, toInt64(duration_ns))) AS end_ns,
duration_ns, status, status_message, error_type, provider, model, request_model, operation,
input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, usage_rule, cost_usd,
price_source, tool_name, tool_call_id, finish_reason, response_id, convention, scope_name, scope_version,
dropped_attributes, input_preview, output_preview, input_bytes, output_bytes
