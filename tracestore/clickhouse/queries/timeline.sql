-- What the waterfall needs of each span, and no more: a trace may have 100,000 of them. Arguments
-- only tell same from different, so a hash of them does.
SELECT
    span_id, parent_span_id, name, type, agent,
    toUnixTimestamp64Nano(start_time) AS start_ns,
    start_ns + toInt64(duration_ns) AS end_ns,
    status, model, request_model, tool_name, input_tokens, output_tokens, cost_usd, usage_rule,
    dropped_attributes, hex(cityHash64(input_preview)) AS arguments, price_source
/*include spans_of_trace*/
ORDER BY start_ns, span_id
LIMIT {limit:UInt32}
