-- The runs in `wanted`: `goes_on` says that no root has come and something did of late.
SELECT
    project, trace_id, name, agent, cost_usd, toUnixTimestamp64Nano(start_time) AS start_ns,
    CAST(running_until > {now:DateTime64(3, 'UTC')}, 'Bool') AS goes_on
FROM
(
    SELECT project, trace_id, name, agent, cost_usd, start_time, running_until
    FROM stored_traces FINAL
    WHERE project IN (SELECT project FROM wanted) AND start_time >= {since:DateTime64(9, 'UTC')}
      AND (project, trace_id) IN (SELECT project, trace_id FROM wanted)
      AND (project, trace_id) NOT IN (SELECT project, trace_id FROM open_traces)
    UNION ALL
    SELECT project, trace_id, name, agent, cost_usd, start_time, running_until
    FROM
    (
        WITH
            chosen AS
            (
                SELECT project, trace_id
                FROM open_traces
                WHERE (project, trace_id) IN (SELECT project, trace_id FROM wanted)
            ),
            earliest AS (SELECT {since:DateTime64(9, 'UTC')} AS since)
        /*include trace_summary*/
    )
)
