-- The links from and to traces settled since {since}.
SELECT DISTINCT project, trace_id, linked_trace_id
FROM trace_links
WHERE (project, trace_id) IN
(
    /*include complete_settled*/
)
   OR (project, linked_trace_id) IN
(
    /*include complete_settled*/
)
