-- Which ClickHouse answers, and what time it has (µs).
SELECT version(), toUnixTimestamp64Micro(now64(6, 'UTC'))
