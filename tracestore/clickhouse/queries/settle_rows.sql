-- Whole rows of the spans that resolving changed, to be written again with their new values.
SELECT *
FROM stored_spans FINAL
WHERE project = {project:String} AND trace_id = {trace_id:String} AND start_time >= (SELECT since FROM open_since)
