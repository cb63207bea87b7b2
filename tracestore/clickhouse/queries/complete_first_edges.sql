-- The links from and to the chosen traces.
SELECT DISTINCT project, trace_id, linked_trace_id
FROM trace_links
WHERE (project, trace_id) IN (SELECT project, trace_id FROM chosen)
   OR (project, linked_trace_id) IN (SELECT project, trace_id FROM chosen)
