SELECT DISTINCT trace_id, linked_trace_id
FROM trace_links
WHERE project = {project:String} AND (trace_id IN {traces:Array(String)} OR linked_trace_id IN {traces:Array(String)})
