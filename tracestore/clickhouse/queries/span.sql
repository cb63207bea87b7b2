SELECT
    /*include span_columns*/,
    /*include span_extras*/
FROM spans
WHERE project = {project:String} AND trace_id = {trace_id:String} AND span_id IN {span_ids:Array(String)}
ORDER BY start_ns DESC
LIMIT 1 BY span_id
