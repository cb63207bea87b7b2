SELECT page.*, found.findings
FROM
(
    SELECT
        /*include trace_columns*/
    FROM live_traces
    WHERE project = {project:String} AND trace_id = {trace_id:String}
) AS page
LEFT JOIN
(
    /*include findings_of_traces*/
) AS found USING (trace_id)
