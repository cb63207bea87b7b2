SELECT
    /*include trace_columns*/,
    (
        /*include findings_of_trace*/
    ) AS findings
FROM live_traces
WHERE project = {project:String} AND trace_id = {trace_id:String}
