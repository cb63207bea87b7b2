-- The latest state of each agent and version.
SELECT agent, agent_version, toUnixTimestamp64Milli(max(at)) * 1000000 AS last, argMax(state, at), argMax(measures, at), argMax(reasons, at),
    argMax(healthy_again, at)
FROM agent_health AS h
WHERE project = {project:String} AND h.at >= {since:DateTime64(3, 'UTC')} AND /*conditions*/
GROUP BY agent, agent_version
ORDER BY agent, agent_version
LIMIT 5000
