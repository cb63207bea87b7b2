-- The summary of a trace, unless it is open (the condition is that of the view open_traces).
SELECT
    /*include trace_columns*/,
    (
        /*include findings_of_trace*/
    ) AS findings
FROM stored_traces FINAL
-- Of the sorting key, so FINAL may come after it.
PREWHERE project = {project:String} AND trace_id = {trace_id:String}
WHERE NOT (
    SELECT maxIf(at, covers = 0) > max(covers)
    FROM trace_activity
    WHERE project = {project:String} AND trace_id = {trace_id:String}
      AND at >= (SELECT max(until) - INTERVAL 1 MINUTE FROM settled_until)
)
