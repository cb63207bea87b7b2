SELECT page.*, found.findings
FROM
(
    SELECT
        /*include trace_columns*/
    FROM stored_traces FINAL
    WHERE project = {project:String} AND trace_id = {trace_id:String}
      AND trace_id NOT IN (SELECT trace_id FROM open_traces WHERE project = {project:String} AND trace_id = {trace_id:String})
) AS page
LEFT JOIN
(
    /*include findings_of_traces*/
) AS found USING (trace_id)
