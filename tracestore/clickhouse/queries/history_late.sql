-- The steps (hours, days since 1970) before the last counted one in which traces begin that were settled since then,
-- and when the newest of them was.
SELECT intDiv(toUnixTimestamp64Nano(start_time), {step:Int64}) AS number, toUnixTimestamp64Micro(max(at))
FROM trace_activity
WHERE at >= {after:DateTime64(6, 'UTC')} AND toUnixTimestamp64Micro(covers) > 0
  AND start_time >= {from:DateTime64(9, 'UTC')} AND start_time < {until:DateTime64(9, 'UTC')}
GROUP BY number
ORDER BY number
