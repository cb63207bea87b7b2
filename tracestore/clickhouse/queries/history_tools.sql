-- Executions of each tool in an hour. What failed says so itself; errors hidden in results: history_results.sql.
SELECT
    project, agent, agent_version, tool_name, count() AS calls, countIf(failed) AS failures,
    topKIf(1)(template, failed)[1] AS frequent,
    argMaxIf(trace_id, start_time, failed) AS example_trace, argMaxIf(span_id, start_time, failed) AS example_span
FROM
(
    SELECT
        project, agent, agent_version, tool_name, trace_id, span_id, start_time,
        status = 'error' OR error_type != '' AS failed,
        multiIf(status_message != '', status_message, result != '', result, error_type) AS message,
        replaceRegexpAll(substringUTF8(message, 1, 200), '[0-9a-fA-F]{8,}|[0-9]+', '#') AS template
    FROM stored_tool_calls FINAL
    WHERE start_time >= {from:DateTime64(9, 'UTC')} AND start_time < {until:DateTime64(9, 'UTC')} AND tool_name != ''
)
GROUP BY project, agent, agent_version, tool_name
