-- An agent over time: the worst state of each bucket and the mean of each measure.
SELECT
    toUnixTimestamp(toStartOfInterval(h.at, toIntervalSecond({step:UInt32}))) * 1000000000 AS bucket,
    argMax(state, indexOf(['unknown', 'healthy', 'suspect', 'degraded', 'critical'], state)) AS worst,
    avgMap(measures)
FROM agent_health AS h
WHERE project = {project:String} AND agent = {agent:String} AND agent_version = {version:String}
  AND h.at >= {since:DateTime64(3, 'UTC')} AND h.at < {until:DateTime64(3, 'UTC')}
GROUP BY bucket
ORDER BY bucket
LIMIT 2000
