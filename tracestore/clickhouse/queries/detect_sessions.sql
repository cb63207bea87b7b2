-- The newest settled traces of sessions, at most {most} of each.
SELECT project, session_id, trace_id, toUnixTimestamp64Nano(start_time) AS start_ns
FROM stored_traces FINAL
WHERE (project, session_id) IN (SELECT project, session_id FROM sessions) AND start_time >= {since:DateTime64(9, 'UTC')}
ORDER BY start_time DESC
LIMIT {most:UInt64} BY project, session_id
