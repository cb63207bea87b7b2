-- The models that were called, those without a price first, then the dearest. A call without usage
-- (it failed) is counted and has no price to lack.
SELECT
    call_model AS model, call_provider AS provider, count() AS calls, countIf(type = 'embedding') AS embeddings,
    countIf(status = 'error') AS errors,
    sum(input_tokens) AS input_sum, sum(output_tokens) AS output_sum, sum(cache_read_tokens) AS cache_read_sum,
    sum(cache_write_tokens) AS cache_write_sum, sum(reasoning_tokens) AS reasoning_sum,
    sum(cost_usd) AS cost_sum,
    countIf(usage_rule != '' AND cost_usd IS NULL) AS unpriced_calls,
    countIf(dropped_attributes > 0) AS incomplete_calls,
    toUInt64(quantileTDigest(0.5)(duration_ns)) AS p50_ns, toUInt64(quantileTDigest(0.95)(duration_ns)) AS p95_ns,
    arraySort(groupUniqArrayIf(20)(price_source, price_source != '')) AS price_sources
FROM
(
    SELECT *, if(model != '', model, request_model) AS call_model, provider AS call_provider
    FROM spans
    WHERE project = {project:String} AND type IN ('llm', 'embedding')
      AND start_time >= toDateTime64({since:String}, 9, 'UTC') AND start_time < toDateTime64({until:String}, 9, 'UTC')
)
GROUP BY call_model, call_provider
ORDER BY unpriced_calls > 0 DESC, unpriced_calls DESC, cost_sum DESC, calls DESC, model, provider
LIMIT {limit:UInt32} OFFSET {offset:UInt64}
