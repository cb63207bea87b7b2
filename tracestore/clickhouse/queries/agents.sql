SELECT agent, count() AS traces
FROM all_traces
WHERE project = {project:String} AND agent != '' AND /*conditions*/
GROUP BY agent
ORDER BY traces DESC, agent
LIMIT 200
