-- The agents that findings of a period are about.
SELECT DISTINCT agent
FROM findings
WHERE project = {project:String} AND agent != ''
  AND last_seen >= toDateTime64({since:String}, 9, 'UTC') AND first_seen < toDateTime64({until:String}, 9, 'UTC')
ORDER BY agent
LIMIT 500
