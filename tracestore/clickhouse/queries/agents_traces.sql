-- One trace may be of several agents.
SELECT name, count() AS trace_count, countIf(trace_status = 'error') AS failed
FROM
(
    SELECT arrayJoin(agents) AS name, status AS trace_status
    FROM all_traces
    WHERE /*include in_period*/
      AND ({agent:String} = '' OR has(agents, {agent:String}))
)
WHERE {agent:String} = '' OR name = {agent:String}
GROUP BY name
ORDER BY trace_count DESC, name
LIMIT {limit:UInt32}
