-- One batch: what the price of a call depends on, and what it costs now.
SELECT
    trace_id, span_id, toUnixTimestamp64Nano(start_time) AS start_ns, provider, model, request_model,
    input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_usd, price_source,
    mapFilter((name, value) -> name IN {reported:Array(String)}, attributes) AS reported
FROM spans
WHERE /*include reprice_window*/
ORDER BY toStartOfHour(start_time), trace_id, start_time, span_id
LIMIT {limit:UInt32}
