SELECT trace_id, count() AS findings
FROM findings
WHERE project = {project:String} AND NOT dismissed AND trace_id IN (SELECT trace_id FROM wanted)
GROUP BY trace_id
