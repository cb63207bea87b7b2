SELECT
    /*include received_columns*/
/*include spans_of_trace*/
WHERE span_id IN {span_ids:Array(String)}
  -- The sort key has the start: only the part's own granules are read.
  AND start_time >= fromUnixTimestamp64Nano({first_ns:Int64}, 'UTC')
  AND start_time <= fromUnixTimestamp64Nano({last_ns:Int64}, 'UTC')
ORDER BY start_ns, span_id
