-- How many traces were settled since {since}, and when the first of them started (ns since the epoch).
SELECT count(), toUnixTimestamp64Nano(min(start_time))
FROM stored_traces
WHERE version >= {since:UInt64} AND deleted = 0
