SELECT id, detector, severity, title, explanation, span_ids, wasted_cost_usd, fingerprint
FROM findings
WHERE project = {project:String} AND trace_id = {trace_id:String} AND NOT dismissed
ORDER BY indexOf(['critical', 'warning', 'info'], severity), first_seen, id
LIMIT {limit:UInt32}
