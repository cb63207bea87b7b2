-- The summaries at `places` (start_time, trace_id), as their latest version is, if that matches.
SELECT
    /*include trace_columns*/,
    0 AS findings
FROM stored_traces FINAL
WHERE project = {project:String}
  AND (start_time, trace_id) IN (SELECT start_time, trace_id FROM places)
  AND /*conditions*/
