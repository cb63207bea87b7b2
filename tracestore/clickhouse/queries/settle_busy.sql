-- Whether a trace has been waiting too long for rest, and the two moments that a pass goes by.
SELECT
    count() > 0,
    now64(6, 'UTC') - toIntervalMillisecond({quiet_ms:UInt32}),
    now64(6, 'UTC') - toIntervalMillisecond({busy_ms:UInt32})
FROM open_traces
WHERE greatest(first_touched, covered) <= now64(6, 'UTC') - toIntervalMillisecond({busy_ms:UInt32})
