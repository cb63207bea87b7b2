-- Traces that received spans or were settled at or after a moment, by the time of the last such row (µs):
-- the oldest first; or those of more than one write, which go on, and the latest.
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
ORDER BY {latest:Bool} AND writes > 1 DESC, if({latest:Bool}, -last, last)
LIMIT {limit:UInt64}
