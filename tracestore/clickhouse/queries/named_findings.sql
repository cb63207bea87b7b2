-- The newest findings whose title or detector contains a text; one of each title, the latest.
SELECT title, detector, agent, trace_id, span_ids[1] AS span_id
FROM
(
    SELECT title, detector, agent, trace_id, span_ids, first_seen, id
    FROM stored_findings FINAL
    WHERE project = {project:String} AND withdrawn = 0 AND first_seen >= now() - INTERVAL 30 DAY
    ORDER BY first_seen DESC, id
    LIMIT {newest:UInt32}
)
WHERE positionCaseInsensitiveUTF8(title, {text:String}) > 0 OR positionCaseInsensitiveUTF8(detector, {text:String}) > 0
ORDER BY first_seen DESC, id
LIMIT 1 BY title
LIMIT {limit:UInt32}
