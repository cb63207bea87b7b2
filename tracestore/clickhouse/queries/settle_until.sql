-- How far one pass goes: all that is quiet, but not more than a number of traces at a time.
SELECT maxOrNull(touched), count()
FROM
(
    SELECT touched
    FROM open_traces
    WHERE touched <= now64(6, 'UTC') - toIntervalMillisecond({quiet_ms:UInt32})
    ORDER BY touched
    LIMIT {limit:UInt32}
)
