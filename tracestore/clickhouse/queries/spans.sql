SELECT
    /*include span_columns*/
FROM spans
WHERE project = {project:String} AND trace_id = {trace_id:String}
ORDER BY start_ns, span_id
LIMIT {limit:UInt32}
