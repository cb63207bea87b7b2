SELECT
    detector, countIf(NOT dismissed) AS counted,
    countIf(severity = 'critical' AND NOT dismissed), countIf(severity = 'warning' AND NOT dismissed),
    countIf(severity = 'info' AND NOT dismissed), countIf(dismissed), sumIf(wasted_cost_usd, NOT dismissed)
FROM findings
WHERE project = {project:String} AND first_seen >= toDateTime64({since:String}, 9, 'UTC')
GROUP BY detector
