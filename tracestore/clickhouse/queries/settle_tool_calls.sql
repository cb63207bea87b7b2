-- The executions of the traces that this pass settles, into the audit trail; and for every span of
-- theirs that turned out not to be one (after an earlier pass took it for one) a row that takes it
-- back. A row whose span is gone is left alone: the trail is kept longer than the spans.
INSERT INTO stored_tool_calls
(
    project, trace_id, span_id, parent_span_id, start_time, duration_ns, name, tool_name, tool_call_id,
    arguments, result, input_bytes, output_bytes, status, status_message, error_type, service, agent,
    agent_version, session_id, user_id, convention, scope_name, scope_version, dropped_attributes,
    version, deleted
)
SELECT
    project, trace_id, span_id, parent_span_id, start_time, duration_ns, name, tool_name, tool_call_id,
    arguments, result, input_bytes, output_bytes, status, status_message, error_type, service, agent,
    agent_version, session_id, user_id, convention, scope_name, scope_version, dropped_attributes,
    {version:UInt64}, 0
FROM live_tool_calls
WHERE (project, trace_id) IN (
    /*include settle_chosen*/
)
UNION ALL
SELECT
    project, trace_id, span_id, parent_span_id, start_time, duration_ns, name, tool_name, tool_call_id,
    '', '', 0, 0, status, '', '', service, agent, agent_version, session_id, user_id, convention,
    scope_name, scope_version, 0, {version:UInt64}, 1
FROM stored_tool_calls FINAL
WHERE (project, trace_id, start_time, span_id) IN (
    SELECT project, trace_id, start_time, span_id
    FROM stored_spans FINAL
    WHERE (project, trace_id) IN (
        /*include settle_chosen*/
    ) AND start_time >= (SELECT since FROM open_since) AND type != 'tool'
)
-- A pass after a long absence may touch any number of days.
SETTINGS max_partitions_per_insert_block = 0
