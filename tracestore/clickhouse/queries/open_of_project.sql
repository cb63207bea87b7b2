-- The traces of a project that received spans which no summary holds yet. (The condition is that of the view
-- open_traces; each page of the trace list waits for this, and the view costs a quarter more.)
SELECT trace_id, minIf(start_time, covers = 0) AS first_start
FROM trace_activity
WHERE project = {project:String} AND at >= (SELECT max(until) - INTERVAL 1 MINUTE FROM settled_until)
GROUP BY project, trace_id
HAVING maxIf(at, covers = 0) > max(covers)
