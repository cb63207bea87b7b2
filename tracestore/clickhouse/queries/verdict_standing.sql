-- What the traces of several subjects (traces, sessions or agents) have used so far.
SELECT
    project,
    multiIf({by:String} = 'trace_id', trace_id, {by:String} = 'session_id', session_id, toString(agent)) AS subject,
    trace_id,
    sum(cost_usd) AS cost, countIf(type = 'llm') AS steps, sum(input_tokens + output_tokens) AS tokens,
    toUnixTimestamp64Nano(min(start_time)) AS began,
    toInt64(max(toUnixTimestamp64Nano(start_time) + duration_ns)) AS last,
    max(parent_span_id = '') AS over,
    groupUniqArrayIf(20)(toString(agent), agent != '') AS agents,
    groupUniqArrayIf(20)(session_id, session_id != '') AS sessions,
    groupUniqArrayIf(20)(user_id, user_id != '') AS users
FROM stored_spans FINAL
PREWHERE project IN {projects:Array(String)} AND start_time >= {since:DateTime64(9, 'UTC')} AND /*conditions*/
GROUP BY project, subject, trace_id
ORDER BY began DESC
LIMIT 1000 BY project, subject
