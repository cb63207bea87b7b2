-- An error counts where it happened, as in trace_summary.
SELECT
    agent AS name,
    countIf(type = 'llm') AS llm_sum, countIf(type = 'tool') AS tool_sum,
    countIf(status = 'error' AND type NOT IN ('agent', 'workflow', 'other')) AS error_sum,
    sum(input_tokens) AS input_sum, sum(output_tokens) AS output_sum, sum(cost_usd) AS cost_sum,
    countIf(type IN ('llm', 'embedding') AND usage_rule != '' AND cost_usd IS NULL) AS unpriced_sum,
    if(countIf(type = 'agent') = 0, 0, toUInt64(quantileTDigestIf(0.5)(duration_ns, type = 'agent'))) AS p50_ns,
    if(countIf(type = 'agent') = 0, 0, toUInt64(quantileTDigestIf(0.95)(duration_ns, type = 'agent'))) AS p95_ns,
    if(countIf(type = 'agent') = 0, 0, toUInt64(quantileTDigestIf(0.99)(duration_ns, type = 'agent'))) AS p99_ns,
    arraySort(groupUniqArrayIf(50)(if(model != '', model, request_model), type = 'llm')) AS models,
    arraySort(groupUniqArrayIf(100)(tool_name, type = 'tool' AND tool_name != '')) AS tools,
    arraySort(groupUniqArrayIf(50)(agent_version, agent_version != '')) AS versions,
    max(toUnixTimestamp64Nano(start_time)) AS last_ns
FROM spans
WHERE /*include in_period*/
  AND if({agent:String} = '', agent != '', agent = {agent:String})
GROUP BY name
ORDER BY llm_sum DESC, name
LIMIT {limit:UInt32}
