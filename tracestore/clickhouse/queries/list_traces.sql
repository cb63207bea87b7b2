-- Newest traces first, each with the number of its findings. Both branches are cut to one page before
-- they meet: settled traces are read in key order, open ones are few.
SELECT page.*, found.findings
FROM
(
    SELECT
        /*include trace_columns*/
    FROM stored_traces FINAL
    WHERE project = {project:String}
      AND trace_id NOT IN (SELECT trace_id FROM open_traces WHERE project = {project:String})
      AND /*conditions*/
    ORDER BY start_time DESC, trace_id DESC
    LIMIT {limit:UInt32}
    UNION ALL
    SELECT
        /*include trace_columns*/
    FROM live_traces
    WHERE project = {project:String}
      AND /*conditions*/
    ORDER BY start_time DESC, trace_id DESC
    LIMIT {limit:UInt32}
) AS page
LEFT JOIN
(
    /*include findings_of_traces*/
) AS found USING (trace_id)
ORDER BY start_ns DESC, trace_id DESC
LIMIT {limit:UInt32}
