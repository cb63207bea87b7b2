-- As list_traces, when no trace is open: a third of the time.
SELECT page.*, found.findings
FROM
(
    SELECT
        /*include trace_columns*/
    FROM stored_traces FINAL
    WHERE project = {project:String} AND /*conditions*/
    ORDER BY start_time DESC, trace_id DESC
    LIMIT {limit:UInt32}
) AS page
LEFT JOIN
(
    /*include findings_of_traces*/
) AS found USING (trace_id)
ORDER BY start_ns DESC, trace_id DESC
