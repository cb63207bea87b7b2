-- All traces that match, once each; `opened` as in list_live.
SELECT
    trace_id, agent, service, user_id, session_id, start_time, /*include trace_status*/, models, tools, agents, errors
FROM stored_traces FINAL
WHERE project = {project:String} AND trace_id NOT IN (SELECT trace_id FROM opened) AND /*conditions*/
UNION ALL
SELECT
    trace_id, agent, service, user_id, session_id, start_time, /*include trace_status*/, models, tools, agents, errors
FROM
(
    WITH
        chosen AS (SELECT {project:String} AS project, trace_id FROM opened),
        earliest AS (SELECT min(first_start) AS since FROM opened)
    /*include trace_summary*/
)
WHERE /*live_conditions*/
