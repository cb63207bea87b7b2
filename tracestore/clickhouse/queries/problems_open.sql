-- How many problems somebody should look at: warnings and critical ones since a moment that nobody dismissed.
SELECT uniqExact(fingerprint)
FROM findings
WHERE project = {project:String} AND last_seen >= toDateTime64({since:String}, 9, 'UTC')
  AND severity IN ('warning', 'critical') AND NOT dismissed
