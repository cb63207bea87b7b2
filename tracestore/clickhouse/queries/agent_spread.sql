SELECT figure.1 AS measure, figure.2 AS place, count() AS trace_count
FROM
(
    SELECT arrayJoin([
        ('steps', toInt32(steps)),
        ('tokens', toInt32(if(token_sum = 0, -1, floor(log10(token_sum) * 4 + 1e-9)))),
        ('cost', toInt32(if(cost_sum <= 0, -1, greatest(0, floor(log10(cost_sum * 1e6) * 4 + 1e-9)))))
    ]) AS figure
    FROM
    (
        SELECT
            trace_id, countIf(type = 'llm') AS steps, sum(input_tokens) + sum(output_tokens) AS token_sum,
            ifNull(sum(cost_usd), 0) AS cost_sum
        FROM spans
        WHERE /*include in_period*/
          AND agent = {agent:String}
        GROUP BY trace_id
    )
)
GROUP BY measure, place
ORDER BY measure, place
