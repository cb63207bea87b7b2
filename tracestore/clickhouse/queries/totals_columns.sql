count() AS trace_count, countIf(status = 'error') AS failed, sum(errors) AS error_sum, sum(llm_calls) AS llm_sum,
sum(tool_calls) AS tool_sum, sum(input_tokens) + sum(output_tokens) AS token_sum, sum(cost_usd) AS cost_sum,
sum(unpriced_calls) AS unpriced_sum,
if(count() = 0, 0, toUInt64(quantileTDigest(0.5)(duration_ns))) AS p50_ns,
if(count() = 0, 0, toUInt64(quantileTDigest(0.95)(duration_ns))) AS p95_ns,
if(count() = 0, 0, toUInt64(quantileTDigest(0.99)(duration_ns))) AS p99_ns,
avgOrNull(llm_calls) AS steps
