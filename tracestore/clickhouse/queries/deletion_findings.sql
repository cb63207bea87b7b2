-- The findings that are to go.
SELECT DISTINCT id FROM stored_findings WHERE project = {project:String} AND (/*conditions*/)
