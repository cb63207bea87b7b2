-- The traces of a project that received spans which no summary holds yet.
SELECT trace_id, first_start
FROM open_traces
WHERE project = {project:String}
