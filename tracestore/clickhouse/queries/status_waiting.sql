-- Traces that wait to be settled, and for how long the oldest does, in µs.
SELECT
    count(),
    if(count() = 0, 0, toUnixTimestamp64Micro(now64(6, 'UTC')) - toUnixTimestamp64Micro(min(greatest(first_touched, covered))))
FROM open_traces
WHERE /*conditions*/
