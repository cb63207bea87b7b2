-- Traces and failed ones in buckets of `width` ns since `first` (ns).
SELECT intDiv(toUnixTimestamp64Nano(start_time) - {first:Int64}, {width:Int64}) AS bucket, count(), countIf(status = 'error')
FROM
(
    /*include matching_traces*/
)
GROUP BY bucket
