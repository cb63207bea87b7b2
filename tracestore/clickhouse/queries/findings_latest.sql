SELECT
    id, detector, severity, title, explanation, agent, trace_id, span_ids, toUnixTimestamp64Nano(last_seen) AS last_ns,
    wasted_cost_usd
FROM findings
WHERE /*include findings_in_period*/
  AND ({agent:String} = '' OR agent = {agent:String})
ORDER BY last_seen DESC, id
LIMIT {limit:UInt32}
