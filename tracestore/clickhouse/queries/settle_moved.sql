-- A summary's place holds the trace's start. Where an earlier span moved the start, the row at the
-- old place is older than this pass: mark it deleted.
INSERT INTO stored_traces (project, trace_id, start_time, version, deleted)
SELECT project, trace_id, start_time, {version:UInt64}, 1
FROM stored_traces FINAL
WHERE (project, trace_id) IN (SELECT project, trace_id FROM stored_traces WHERE version = {version:UInt64})
  AND version < {version:UInt64}
