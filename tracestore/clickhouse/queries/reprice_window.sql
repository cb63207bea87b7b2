-- One day's calls after a key, in the order of the table's key. The plain bound on the time beside the
-- tuple lets the key be used.
/*include reprice_calls*/
AND toDate(start_time) = toDate({day:String})
AND start_time >= toStartOfHour(fromUnixTimestamp64Nano({after_ns:Int64}, 'UTC'))
AND (toStartOfHour(start_time), trace_id, start_time, span_id) > (
    toStartOfHour(fromUnixTimestamp64Nano({after_ns:Int64}, 'UTC')), {after_trace:String},
    fromUnixTimestamp64Nano({after_ns:Int64}, 'UTC'), {after_span:String})
