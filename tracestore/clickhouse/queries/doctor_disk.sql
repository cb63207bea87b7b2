-- Free and total bytes of the store's fullest disk; bytes of the days of the last week, and how many days those are.
SELECT
    (SELECT min((free_space, total_space)) FROM system.disks) AS disk,
    sum(bytes_on_disk),
    greatest(uniqExact(partition), 1)
FROM system.parts
WHERE database = 'tracestore' AND active AND match(partition, '^[0-9]{8}$')
    AND partition > toString(toYYYYMMDD(now('UTC') - INTERVAL 8 DAY))
    AND partition < toString(toYYYYMMDD(now('UTC')))
