-- Findings that speak against going on, of some traces.
SELECT project, detector, severity, title, agent, trace_id, toUnixTimestamp64Nano(first_seen) AS seen
FROM findings
WHERE project IN {projects:Array(String)} AND first_seen >= {since:DateTime64(9, 'UTC')} AND trace_id IN {traces:Array(String)}
  AND NOT dismissed AND severity IN ('warning', 'critical')
ORDER BY severity = 'critical' DESC, seen DESC
LIMIT 50 BY project, trace_id
