-- Chosen traces with events that came as log records, and how large these are.
SELECT project, trace_id, sum(bytes)
/*include joining_from*/
GROUP BY project, trace_id
