-- In as many ways as are asked for, from one reading. A cost may stand on other spans too (an agent that reports only
-- its sum): it counts as well.
SELECT
    /*way*/ AS way, /*name*/ AS name, count() AS calls, uniqExact(trace_id) AS trace_count,
    sum(input_tokens) + sum(output_tokens) AS token_sum, sum(cost_usd) AS cost_sum,
    countIf(usage_rule != '' AND cost_usd IS NULL) AS unpriced_sum
FROM
(
    /*include priced_calls*/
)
WHERE {agent:String} = '' OR agent = {agent:String}
GROUP BY GROUPING SETS (/*sets*/)
ORDER BY way, cost_sum DESC, calls DESC, name
LIMIT {limit:UInt32} BY way
