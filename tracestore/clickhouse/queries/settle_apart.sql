-- Spans of the chosen traces that came in several writes; those of one write were resolved together
-- before they were stored, unless log records have added something to them.
FROM stored_spans FINAL
WHERE (project, trace_id) IN (
        SELECT project, trace_id FROM open_traces
        WHERE (project, trace_id) IN (
            /*include settle_chosen*/
        ) AND (
            writes > 1
            OR (project, trace_id) IN (SELECT project, trace_id FROM stored_traces)
            OR (project, trace_id) IN (SELECT project, trace_id /*include joining_from*/)
        )
    )
  AND start_time >= (SELECT since FROM open_since)
