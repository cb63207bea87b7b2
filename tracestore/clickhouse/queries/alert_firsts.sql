-- What agents ran with of late, and since when: (project, agent, 'version' or 'model', value, first start in ns).
SELECT project, agent, pair.1 AS kind, pair.2 AS value, min(toUnixTimestamp64Nano(start_time)) AS first_ns,
    max(toUnixTimestamp64Nano(start_time)) AS last_ns
FROM
(
    SELECT project, agent, start_time,
        arrayJoin([('version', toString(agent_version)), ('model', if(type = 'llm', toString(model), ''))]) AS pair
    FROM stored_spans
    WHERE (project, agent) IN (SELECT project, agent FROM concerned) AND project IN (SELECT project FROM concerned)
      AND start_time >= {since:DateTime64(9, 'UTC')}
)
WHERE value != ''
GROUP BY project, agent, kind, value
ORDER BY project, agent, kind, first_ns
LIMIT 20 BY project, agent, kind
LIMIT 20000
