-- Whole rows of the spans that changed, to be written again.
SELECT *
FROM stored_spans FINAL
PREWHERE (project, trace_id) IN (SELECT project, trace_id FROM changed)
WHERE start_time >= {since:DateTime64(9, 'UTC')}
  AND (project, trace_id, span_id) IN (SELECT project, trace_id, span_id FROM changed)
