-- Traces that received spans or were settled at or after a moment, by the time of the last such row (µs):
-- the oldest, or the latest, first.
-- `first_start` (ns) is that of the writes that no summary holds yet.
SELECT
    project, trace_id,
    toUnixTimestamp64Nano(min(start_time)) AS first_start,
    countIf(covers = 0) AS writes,
    toUnixTimestamp64Micro(maxIf(at, covers = 0)) AS touched,
    toUnixTimestamp64Micro(max(at)) AS last
FROM trace_activity
WHERE at >= least(
    {after:DateTime64(6, 'UTC')},
    (SELECT if(count() = 0, {after:DateTime64(6, 'UTC')}, max(until) - INTERVAL 1 MINUTE) FROM settled_until)
)
GROUP BY project, trace_id
HAVING max(at) >= {after:DateTime64(6, 'UTC')}
ORDER BY if({latest:Bool}, -last, last)
LIMIT {limit:UInt64}
