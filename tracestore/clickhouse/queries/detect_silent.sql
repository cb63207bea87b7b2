-- Traces whose last write fell into a slice of time, and that are not over: no root has arrived.
SELECT project, trace_id, toUnixTimestamp64Nano(first_start), writes, toUnixTimestamp64Micro(touched), toUnixTimestamp64Micro(touched)
FROM
(
    SELECT project, trace_id, min(start_time) AS first_start, count() AS writes, max(at) AS touched
    FROM trace_activity
    WHERE covers = 0 AND at >= {from:DateTime64(6, 'UTC')} AND at < {until:DateTime64(6, 'UTC')}
    GROUP BY project, trace_id
) AS quiet
WHERE (project, trace_id) NOT IN (
        SELECT project, trace_id FROM trace_activity WHERE covers = 0 AND at >= {until:DateTime64(6, 'UTC')}
    )
  AND (project, trace_id) NOT IN (
        SELECT project, trace_id
        FROM stored_spans
        PREWHERE start_time >= {from:DateTime64(6, 'UTC')} - INTERVAL 1 DAY AND parent_span_id = ''
    )
ORDER BY touched
LIMIT {limit:UInt64}
