-- The version that a run began with: which summaries do not have.
INNER JOIN
(
    SELECT project, trace_id, argMin(agent_version, start_time) AS run_version
    FROM stored_spans
    WHERE project IN {projects:Array(String)} AND agent_version != ''
      AND start_time >= fromUnixTimestamp64Nano({origin:Int64}, 'UTC')
      AND start_time < fromUnixTimestamp64Nano({end:Int64}, 'UTC') + INTERVAL 1 DAY
    GROUP BY project, trace_id
) AS versions USING (project, trace_id)
