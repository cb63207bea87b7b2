-- Findings of a period by fingerprint: one row for each problem, with when it was seen in equal parts of the period.
SELECT
    fingerprint, any(detector), any(agent), argMax(title, (last_seen, id)) AS said, argMax(id, (last_seen, id)) AS latest,
    argMax(cause, (last_seen, id)) AS family, max(indexOf(['info', 'warning', 'critical'], severity)) AS weight,
    count(), uniqExactIf(trace_id, trace_id != ''), toUnixTimestamp64Nano(min(first_seen)) AS first_ns,
    toUnixTimestamp64Nano(max(last_seen)) AS last_ns, sum(wasted_cost_usd) AS wasted, sum(wasted_tokens),
    max(dismissed) AS gone,
    sumMap(map(toUInt16(least({parts:UInt16} - 1, greatest(0,
        intDiv((toUnixTimestamp64Nano(last_seen) - {since_ns:Int64}) * {parts:UInt16}, {length_ns:Int64})))), 1))
FROM findings
WHERE project = {project:String}
  AND last_seen >= toDateTime64({since:String}, 9, 'UTC') AND last_seen < toDateTime64({until:String}, 9, 'UTC')
  AND first_seen < toDateTime64({until:String}, 9, 'UTC')
  AND /*conditions*/
GROUP BY fingerprint
HAVING {severity:String} = '' OR weight = indexOf(['info', 'warning', 'critical'], {severity:String})
ORDER BY multiIf({order:String} = 'wasted', wasted, {order:String} = 'seen', 0., toFloat64(weight)) DESC, last_ns DESC,
    fingerprint
LIMIT {limit:UInt32}
