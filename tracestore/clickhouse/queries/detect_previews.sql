-- The beginnings of what went in and out of wanted spans, where the payload is gone or too large to be read.
SELECT project, trace_id, span_id, input_preview, output_preview
FROM stored_spans FINAL
PREWHERE (project, trace_id) IN (SELECT project, trace_id FROM wanted)
WHERE start_time >= {since:DateTime64(9, 'UTC')}
  AND (project, trace_id, span_id) IN (SELECT project, trace_id, span_id FROM wanted)
SETTINGS do_not_merge_across_partitions_select_final = 1, max_threads = 1
