-- Traces that came in several writes, in which a tool lacks its arguments or its result and a model was
-- called: what is missing may stand in the model's messages.
SELECT project, trace_id
FROM stored_spans FINAL
PREWHERE (project, trace_id) IN (SELECT project, trace_id FROM apart)
WHERE start_time >= {since:DateTime64(9, 'UTC')}
GROUP BY project, trace_id
HAVING countIf(type = 'tool' AND (input_preview = '' OR output_preview = '' OR substring(input_preview, 1, 1) NOT IN ('{', '['))) > 0
   AND countIf(type = 'llm' AND output_bytes > 0) > 0
LIMIT {limit:UInt32}
