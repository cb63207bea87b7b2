-- The whole rows of the same batch, to be written again. By its first and last key and not by ids: a
-- thousand ids are too long for the address of a request.
SELECT *
FROM stored_spans FINAL
WHERE /*include reprice_window*/
AND (toStartOfHour(start_time), trace_id, start_time, span_id) <= (
    toStartOfHour(fromUnixTimestamp64Nano({last_ns:Int64}, 'UTC')), {last_trace:String},
    fromUnixTimestamp64Nano({last_ns:Int64}, 'UTC'), {last_span:String})
