-- Every open trace. Times in integers: ns for a start, µs for the log's.
SELECT
    project, trace_id,
    toUnixTimestamp64Nano(first_start),
    writes,
    toUnixTimestamp64Micro(touched), toUnixTimestamp64Micro(first_touched), toUnixTimestamp64Micro(covered),
    toUnixTimestamp64Micro(now64(6, 'UTC'))
FROM open_traces
