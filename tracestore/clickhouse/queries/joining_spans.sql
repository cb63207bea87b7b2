-- Whole rows of spans that have events, to be written again with what the events say.
SELECT *
FROM stored_spans FINAL
WHERE (project, trace_id) IN {traces:Array(Tuple(String, String))}
  AND start_time >= {since:DateTime64(9, 'UTC')}
  AND span_id IN (
        SELECT span_id FROM stored_logs
        WHERE (project, trace_id) IN {traces:Array(Tuple(String, String))} AND startsWith(event_name, 'gen_ai.')
          AND time >= {since:DateTime64(9, 'UTC')} - INTERVAL 1 DAY
    )
