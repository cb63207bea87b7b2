-- Findings of a project, the latest first.
SELECT
    id, detector, version, severity, title, explanation, agent, trace_id, span_ids,
    toUnixTimestamp64Nano(first_seen), toUnixTimestamp64Nano(last_seen), wasted_cost_usd, wasted_tokens, evidence,
    fingerprint, key, cause, look_first, dismissed
FROM findings
WHERE project = {project:String} AND /*conditions*/
ORDER BY first_seen DESC, id DESC
LIMIT {limit:UInt64}
