-- The summary of a trace, unless it is open (the condition is that of the view open_traces).
SELECT page.*, found.findings
FROM
(
    SELECT
        /*include trace_columns*/
    FROM stored_traces FINAL
    WHERE project = {project:String} AND trace_id = {trace_id:String}
      AND NOT (
        SELECT maxIf(at, covers = 0) > max(covers)
        FROM trace_activity
        WHERE project = {project:String} AND trace_id = {trace_id:String}
          AND at >= (SELECT max(until) - INTERVAL 1 MINUTE FROM settled_until)
    )
) AS page
LEFT JOIN
(
    /*include findings_of_traces*/
) AS found USING (trace_id)
