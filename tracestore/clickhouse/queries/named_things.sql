-- Agents, tools, models, sessions and traces whose name contains a text, among the newest traces; a
-- trace or session that is named in full is found however old it is (by the table's bloom filters).
-- Rows that were replaced are as good as their successors here: a name needs no FINAL.
SELECT pair.1 AS kind, pair.2 AS name, uniq(trace_id) AS traces
FROM
(
    SELECT
        trace_id,
        arrayJoin(arrayConcat(
            arrayMap(one -> ('agent', one), agents),
            arrayMap(one -> ('tool', one), tools),
            arrayMap(one -> ('model', one), models),
            [('session', session_id), ('trace', trace_id)]
        )) AS pair
    FROM
    (
        SELECT trace_id, session_id, agents, tools, models
        FROM stored_traces
        WHERE project = {project:String} AND deleted = 0
        ORDER BY project DESC, start_time DESC
        LIMIT {newest:UInt32}
        UNION ALL
        SELECT trace_id, session_id, [], [], []
        FROM stored_traces
        WHERE project = {project:String} AND deleted = 0 AND (trace_id = lower({text:String}) OR session_id = {text:String})
        ORDER BY project DESC, start_time DESC
        LIMIT 10
    )
)
WHERE name != '' AND if(kind = 'trace', length({text:String}) >= 6 AND startsWith(name, lower({text:String})), positionCaseInsensitiveUTF8(name, {text:String}) > 0)
GROUP BY kind, name
ORDER BY kind, startsWith(lower(name), lower({text:String})) DESC, traces DESC, name
LIMIT {limit:UInt32} BY kind
