-- Changes with every write to a trace: how many rows were written, and when the last one was.
SELECT count(), max(version)
FROM stored_spans
WHERE project = {project:String} AND trace_id = {trace_id:String}
