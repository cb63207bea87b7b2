SELECT
    detector, count() AS finding_count, countIf(severity = 'critical') AS critical,
    countIf(severity = 'warning') AS warnings, sum(wasted_cost_usd) AS wasted,
    max(toUnixTimestamp64Nano(last_seen)) AS last_ns
FROM findings
WHERE /*include findings_in_period*/
GROUP BY detector
ORDER BY finding_count DESC, detector
