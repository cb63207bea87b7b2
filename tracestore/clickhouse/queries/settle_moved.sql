-- A summary's place holds the trace's start. Where an earlier span moved the start, the row at the
-- old place is older than this pass: mark it deleted. `known` are the summaries of before.
INSERT INTO stored_traces (project, trace_id, start_time, version, deleted)
SELECT old.project, old.trace_id, old.start_time, {version:UInt64}, 1
FROM stored_traces AS old FINAL
PREWHERE (project, trace_id) IN (SELECT project, trace_id FROM known)
WHERE version < {version:UInt64}
