-- GenAI events of the chosen traces, which came as log records. A day of grace: clocks differ.
FROM stored_logs
WHERE startsWith(event_name, 'gen_ai.') AND span_id != ''
  AND (project, trace_id) IN (
        /*include settle_chosen*/
    )
  AND time >= (SELECT since FROM open_since) - INTERVAL 1 DAY
