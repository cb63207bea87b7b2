SELECT service
FROM stored_spans
WHERE project = {project:String}
GROUP BY service
ORDER BY service
