-- What was found in a stretch of time, the newest of it, without the long texts.
SELECT
    project, fingerprint, id, detector, severity, agent, trace_id, toUnixTimestamp64Nano(first_seen) AS seen_first,
    toUnixTimestamp64Nano(last_seen) AS seen_last, toUInt64(seen_last) AS stored, wasted_cost_usd, wasted_tokens, cause,
    look_first, title, '', '', key
FROM findings
WHERE project = {project:String} AND NOT dismissed
  AND first_seen >= {earliest:DateTime64(9, 'UTC')} AND first_seen < {until:DateTime64(9, 'UTC')}
  AND last_seen >= {since:DateTime64(9, 'UTC')} AND last_seen < {until:DateTime64(9, 'UTC')}
ORDER BY last_seen DESC, id
LIMIT {most:UInt32}
