-- The store's clock and the watermark of a job, µs since the epoch.
SELECT toUnixTimestamp64Micro(now64(6, 'UTC')), if(count() = 0, 0, toUnixTimestamp64Micro(max(until)))
FROM detected_until
WHERE job = {job:String}
