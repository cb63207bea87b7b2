-- What finished runs of each agent took; '' is all agents together. Steps are model calls.
SELECT
    name, count() AS runs,
    quantile(0.75)(llm_calls), quantile(0.95)(llm_calls), quantile(0.75)(llm_calls) - quantile(0.25)(llm_calls),
    quantile(0.75)(tokens), quantile(0.95)(tokens), quantile(0.75)(tokens) - quantile(0.25)(tokens),
    quantile(0.75)(cost), quantile(0.95)(cost), quantile(0.75)(cost) - quantile(0.25)(cost),
    quantile(0.75)(took), quantile(0.95)(took), quantile(0.75)(took) - quantile(0.25)(took)
FROM
(
    SELECT
        arrayJoin(if(agent = '', [''], ['', agent])) AS name, llm_calls, input_tokens + output_tokens AS tokens,
        coalesce(cost_usd, 0) AS cost, duration_ns / 1e9 AS took
    FROM stored_traces FINAL
    WHERE project = {project:String} AND start_time >= now() - toIntervalDay({days:UInt32})
      AND (llm_calls > 0 OR tool_calls > 0)
)
GROUP BY name
LIMIT 10000
