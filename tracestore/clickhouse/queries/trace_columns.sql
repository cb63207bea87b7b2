trace_id, name, agent, service, session_id, user_id,
toUnixTimestamp64Nano(start_time) AS start_ns,
toUnixTimestamp64Nano(end_time) AS end_ns,
duration_ns, span_count, llm_calls, tool_calls, errors, input_tokens, output_tokens,
cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_usd, unpriced_calls, incomplete,
/*include trace_status*/,
models,
tools, agents, input_preview, output_preview
