-- Of each project: spans, those of the last 24 hours, and since when there are any (s).
SELECT project, count(), countIf(start_time >= now64(9, 'UTC') - INTERVAL 24 HOUR), toUnixTimestamp(min(start_time))
FROM stored_spans
GROUP BY project
