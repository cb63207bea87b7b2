-- Spans written in each minute since {since} (ns), and of those the ones since {lately}. Only parts that were
-- made since then can hold any. A span that settling wrote again counts again until the copies are merged.
SELECT intDiv(version, 60000000000) * 60 AS minute, count(), countIf(version >= {lately:UInt64})
FROM stored_spans
WHERE /*conditions*/ AND version >= {since:UInt64} AND _part IN
(
    SELECT name
    FROM system.parts
    WHERE database = {database:String} AND table = 'stored_spans' AND active
        AND modification_time >= toDateTime(intDiv({since:UInt64}, 1000000000)) - INTERVAL 1 MINUTE
)
GROUP BY minute
ORDER BY minute
