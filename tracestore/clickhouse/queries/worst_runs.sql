-- The worst traces of a period by one figure, each beside the median of its agent.
SELECT
    run.*, typical.median_cost, typical.median_duration, typical.traces_of_agent
FROM
(
    SELECT
        trace_id, name, agent, toUnixTimestamp64Nano(start_time) AS start_ns, duration_ns, llm_calls, tool_calls, errors,
        input_tokens, output_tokens, cost_usd, status, input_preview
    FROM all_traces
    WHERE /*include in_period*/
      AND ({agent:String} = '' OR has(agents, {agent:String}))
      AND ifNull({by:Identifier}, 0) > 0
    ORDER BY {by:Identifier} DESC, trace_id
    LIMIT {limit:UInt32}
) AS run
LEFT JOIN
(
    SELECT
        agent, quantileTDigest(0.5)(cost_usd) AS median_cost, toUInt64(quantileTDigest(0.5)(duration_ns)) AS median_duration,
        count() AS traces_of_agent
    FROM all_traces
    WHERE /*include in_period*/
    GROUP BY agent
) AS typical USING (agent)
ORDER BY run.{by:Identifier} DESC, run.trace_id
