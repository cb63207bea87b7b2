SELECT count() > 0, now64(6, 'UTC') - toIntervalMillisecond({quiet_ms:UInt32})
FROM open_traces
WHERE greatest(first_touched, covered) <= now64(6, 'UTC') - toIntervalMillisecond({busy_ms:UInt32})
