-- A cost may stand on other spans too (an agent that reports only its sum): it counts as well.
SELECT
    {by:Identifier} AS name, count() AS calls, uniqExact(trace_id) AS trace_count,
    sum(input_tokens) + sum(output_tokens) AS token_sum, sum(cost_usd) AS cost_sum,
    countIf(usage_rule != '' AND cost_usd IS NULL) AS unpriced_sum
FROM
(
    /*include priced_calls*/
)
WHERE {agent:String} = '' OR agent = {agent:String}
GROUP BY name
ORDER BY cost_sum DESC, calls DESC, name
LIMIT {limit:UInt32}
