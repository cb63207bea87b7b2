SELECT
    session_id,
    arraySort(arrayDistinct(arrayFlatten(groupArray(trace_agents)))) AS agents,
    argMinIf(trace_user, (started_ns, trace_id), trace_user != '') AS user_id,
    min(started_ns) AS start_ns, max(ended_ns) AS end_ns, count() AS trace_count, countIf(trace_status = 'error') AS failed,
    sum(spans) AS span_sum, sum(llm) AS llm_sum, sum(tool) AS tool_sum, sum(error_count) AS error_sum,
    sum(input) AS input_sum, sum(output) AS output_sum, sum(cost) AS cost_sum, sum(unpriced) AS unpriced_sum,
    argMinIf(preview, (started_ns, trace_id), preview != '') AS first_preview
FROM
(
    SELECT
        session_id, trace_id, agents AS trace_agents, user_id AS trace_user, status AS trace_status,
        toUnixTimestamp64Nano(start_time) AS started_ns, toUnixTimestamp64Nano(end_time) AS ended_ns,
        span_count AS spans, llm_calls AS llm, tool_calls AS tool, errors AS error_count, input_tokens AS input,
        output_tokens AS output, cost_usd AS cost, unpriced_calls AS unpriced, input_preview AS preview
    FROM all_traces
    WHERE /*include in_period*/
      AND session_id != ''
      AND ({session:String} = '' OR session_id = {session:String})
)
GROUP BY session_id
HAVING ({before_ns:Int64} = 0 OR (end_ns, session_id) < ({before_ns:Int64}, {before_id:String}))
   AND ({agent:String} = '' OR has(agents, {agent:String}))
   AND ({user:String} = '' OR user_id = {user:String})
ORDER BY end_ns DESC, session_id DESC
LIMIT {limit:UInt32}
