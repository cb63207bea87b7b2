-- Chosen traces of which only log records came so far have nothing to settle: they rest until a span
-- comes. A trace with a span is never marked here, its summary is made first.
INSERT INTO trace_activity (project, trace_id, start_time, covers)
SELECT project, trace_id, first_start, {until:DateTime64(6, 'UTC')}
FROM open_traces
WHERE (project, trace_id) IN (
        /*include settle_chosen*/
    )
  AND (project, trace_id) NOT IN (
        SELECT project, trace_id FROM stored_spans
        WHERE (project, trace_id) IN (SELECT project, trace_id FROM open_traces)
    )
