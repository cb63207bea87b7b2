-- The traces of a session or user: those with a span, an execution, a summary or a log record that names it.
SELECT DISTINCT trace_id
FROM
(
    SELECT trace_id FROM stored_spans WHERE project = {project:String} AND (/*conditions*/)
    UNION ALL
    SELECT trace_id FROM stored_tool_calls WHERE project = {project:String} AND (/*conditions*/)
    UNION ALL
    SELECT trace_id FROM stored_traces WHERE project = {project:String} AND (/*conditions*/)
    UNION ALL
    SELECT trace_id
    FROM stored_logs
    WHERE project = {project:String} AND trace_id != ''
      AND arrayExists(name -> attributes[name] = {value:String}, {names:Array(String)})
)
ORDER BY trace_id
LIMIT {limit:UInt64}
