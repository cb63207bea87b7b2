-- Money as in findings_by_detector.
SELECT
    detector, sum(counted), sum(critical), sum(warnings), sum(infos), sum(gone), max(wasted)
FROM
(
    SELECT
        detector, if(trace_id = '', splitByChar(':', key)[1], '') AS kind, countIf(NOT dismissed) AS counted,
        countIf(severity = 'critical' AND NOT dismissed) AS critical, countIf(severity = 'warning' AND NOT dismissed) AS warnings,
        countIf(severity = 'info' AND NOT dismissed) AS infos, countIf(dismissed) AS gone,
        sumIf(wasted_cost_usd, NOT dismissed) AS wasted
    FROM findings
    WHERE project = {project:String} AND first_seen >= toDateTime64({since:String}, 9, 'UTC')
    GROUP BY detector, kind
)
GROUP BY detector
