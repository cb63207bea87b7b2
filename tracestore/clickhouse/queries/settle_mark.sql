INSERT INTO trace_activity (project, trace_id, start_time, covers)
SELECT project, trace_id, start_time, {until:DateTime64(6, 'UTC')}
FROM stored_traces
WHERE version = {version:UInt64} AND deleted = 0
