SELECT agent, toUnixTimestamp64Milli(max(at)) * 1000000 AS at_ns, argMax(state, at) AS state_now, argMax(reasons, at) AS why
FROM agent_health
WHERE project = {project:String} AND agent_version = ''
GROUP BY agent
