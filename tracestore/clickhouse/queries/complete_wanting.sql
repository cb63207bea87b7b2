-- Traces settled since {since} that came in several writes, in which a tool lacks its arguments or
-- its result and a model was called: what is missing may stand in the model's messages.
SELECT project, trace_id
FROM stored_spans FINAL
WHERE (project, trace_id) IN
(
    /*include complete_settled*/
)
  AND (project, trace_id) IN
(
    SELECT project, trace_id FROM trace_activity
    WHERE at >= now64(6, 'UTC') - INTERVAL 1 HOUR AND covers = toDateTime64(0, 6, 'UTC')
    GROUP BY project, trace_id HAVING count() > 1
)
  AND start_time >= fromUnixTimestamp64Nano({first:Int64})
GROUP BY project, trace_id
HAVING countIf(type = 'tool' AND (input_preview = '' OR output_preview = '' OR substring(input_preview, 1, 1) NOT IN ('{', '['))) > 0
   AND countIf(type = 'llm' AND output_bytes > 0) > 0
LIMIT {limit:UInt32}
