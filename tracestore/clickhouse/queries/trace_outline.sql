SELECT
    span_id, parent_span_id, name, type, status, agent, model, request_model, tool_name,
    toUnixTimestamp64Nano(start_time) AS start_ns,
    toUnixTimestamp64Nano(addNanoseconds(start_time, toInt64(duration_ns))) AS end_ns,
    input_tokens, output_tokens, cost_usd, input_bytes + output_bytes AS payload_bytes
/*include spans_of_trace*/
ORDER BY start_ns, span_id
LIMIT {limit:UInt32}
