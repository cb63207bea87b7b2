-- What findings of one kind of money (of runs, by agent, by user…) wasted adds up; different kinds look at the same
-- dollars (tracestore/detectors/waste.py), so the largest sum stands for all.
SELECT
    detector, sum(of_kind) AS finding_count, sum(critical_of_kind), sum(warnings_of_kind), max(wasted_of_kind), max(last)
FROM
(
    SELECT
        detector, if(trace_id = '', splitByChar(':', key)[1], '') AS kind, count() AS of_kind,
        countIf(severity = 'critical') AS critical_of_kind, countIf(severity = 'warning') AS warnings_of_kind,
        sum(wasted_cost_usd) AS wasted_of_kind, max(toUnixTimestamp64Nano(last_seen)) AS last
    FROM findings
    WHERE /*include findings_in_period*/
    GROUP BY detector, kind
)
GROUP BY detector
ORDER BY finding_count DESC, detector
