-- The hours in which these traces had spans or executions.
SELECT DISTINCT toUnixTimestamp(toStartOfHour(start_time)) AS hour
FROM
(
    SELECT start_time FROM stored_spans WHERE project = {project:String} AND trace_id IN (SELECT trace_id FROM chosen)
    UNION ALL
    SELECT start_time FROM stored_tool_calls WHERE project = {project:String} AND trace_id IN (SELECT trace_id FROM chosen)
)
ORDER BY hour DESC
