SELECT trace_id, count() AS findings
FROM stored_findings FINAL
WHERE project = {project:String} AND trace_id != ''
GROUP BY trace_id
