SELECT trace_id, count() AS findings
FROM findings
WHERE project = {project:String} AND trace_id != '' AND NOT dismissed
GROUP BY trace_id
