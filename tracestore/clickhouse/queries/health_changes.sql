SELECT agent, toUnixTimestamp64Milli(at) * 1000000 AS at_ns, state, reasons
FROM
(
    SELECT
        agent, at, state, reasons,
        lagInFrame(state) OVER (ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS before
    FROM agent_health
    WHERE project = {project:String} AND agent = {agent:String} AND agent_version = ''
      AND at >= toDateTime64({since:String}, 3, 'UTC') AND at < toDateTime64({until:String}, 3, 'UTC')
)
WHERE state != before
ORDER BY at DESC
LIMIT 200
