SELECT project, trace_id
FROM stored_traces
WHERE version = {version:UInt64} AND deleted = 0 AND start_time >= {since:DateTime64(9, 'UTC')}
