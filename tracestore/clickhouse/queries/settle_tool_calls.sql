-- The executions of traces whose spans may have changed since they were written, none of which starts
-- before `since`, into the audit trail once more (columns.tool_call_columns makes the same rows).
INSERT INTO stored_tool_calls
(
    project, trace_id, span_id, parent_span_id, start_time, duration_ns, name, tool_name, tool_call_id,
    arguments, result, input_bytes, output_bytes, status, status_message, error_type, service, agent,
    agent_id, agent_version, session_id, user_id, convention, scope_name, scope_version, dropped_attributes, version
)
SELECT
    s.project, s.trace_id, s.span_id, parent_span_id, s.start_time, duration_ns, name, tool_name, tool_call_id,
    if(p.input != '', p.input, input_preview), if(p.output != '', p.output, output_preview),
    input_bytes, output_bytes, status, status_message, error_type, service, agent, agent_id, agent_version, session_id,
    user_id, convention, scope_name, scope_version, dropped_attributes, {version:UInt64}
FROM
(
    SELECT
        project, trace_id, span_id, parent_span_id, start_time, duration_ns, name, tool_name, tool_call_id,
        input_preview, output_preview, input_bytes, output_bytes, status, status_message, error_type, service,
        agent, agent_id, agent_version, session_id, user_id, convention, scope_name, scope_version, dropped_attributes
    FROM stored_spans FINAL
    PREWHERE (project, trace_id) IN (SELECT project, trace_id FROM apart)
    WHERE start_time >= {since:DateTime64(9, 'UTC')} AND type = 'tool'
) AS s
LEFT JOIN
(
    SELECT project, trace_id, start_time, span_id, input, output
    FROM stored_payloads FINAL
    PREWHERE start_time >= {since:DateTime64(9, 'UTC')} AND span_id IN
    (
        SELECT span_id
        FROM stored_spans
        PREWHERE (project, trace_id) IN (SELECT project, trace_id FROM apart)
        WHERE start_time >= {since:DateTime64(9, 'UTC')} AND type = 'tool'
          AND (input_bytes > length(input_preview) OR output_bytes > length(output_preview))
    )
) AS p USING (project, trace_id, start_time, span_id)
-- One thread: a second one waits for the first more than it helps. Any number of days: a pass after
-- a long absence may touch more of them than one insert usually may.
SETTINGS max_threads = 1, max_partitions_per_insert_block = 0
