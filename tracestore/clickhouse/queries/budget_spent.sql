-- What agents and users used in a stretch of time, by five minutes. Minutes are those of runs (root spans).
SELECT
    project, toUnixTimestamp(toStartOfInterval(start_time, INTERVAL 5 MINUTE)) AS at, toString(agent) AS name, user_id,
    sum(coalesce(cost_usd, 0)) AS usd, sum(input_tokens + output_tokens) AS tokens, countIf(type = 'llm') AS steps,
    sumIf(duration_ns, parent_span_id = '') / 60e9 AS minutes
FROM stored_spans FINAL
PREWHERE project IN {projects:Array(String)} AND start_time >= {from:DateTime64(9, 'UTC')} AND start_time < {until:DateTime64(9, 'UTC')}
GROUP BY project, at, name, user_id
HAVING usd > 0 OR tokens > 0 OR steps > 0 OR minutes > 0
ORDER BY usd DESC, tokens DESC
LIMIT {limit:UInt64}
