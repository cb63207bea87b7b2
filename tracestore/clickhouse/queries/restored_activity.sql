-- Opens every trace that was written to from `since` (ns) on, so that the worker settles it anew: tables are
-- copied one after the other, so the log of what came last may lack what the table of spans has.
INSERT INTO trace_activity (project, trace_id, start_time, covers)
SELECT project, trace_id, min(start_time), 0
FROM stored_spans
WHERE version >= {since:UInt64}
GROUP BY project, trace_id
