SELECT
    /*include received_columns*/
FROM stored_spans FINAL
PREWHERE project = {project:String} AND trace_id IN {trace_ids:Array(String)}
ORDER BY trace_id, start_ns, span_id
LIMIT {limit:UInt32} BY trace_id
