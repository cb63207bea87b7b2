-- Chosen traces with GenAI events that came as log records, and how large these are. A day of grace:
-- clocks differ.
SELECT project, trace_id, sum(bytes)
FROM stored_logs
WHERE startsWith(event_name, 'gen_ai.') AND span_id != ''
  AND (project, trace_id) IN (SELECT project, trace_id FROM chosen)
  AND time >= {since:DateTime64(9, 'UTC')} - INTERVAL 1 DAY
GROUP BY project, trace_id
