CREATE OR REPLACE VIEW {database}.llm_calls AS
SELECT
    project, trace_id, span_id, parent_span_id, name, service, agent, agent_id, agent_version, session_id, user_id,
    start_time, end_time, duration_ns, status, status_message, error_type, provider, model, request_model,
    operation, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens,
    usage_rule, cost_usd, price_source, finish_reason, response_id, convention, dropped_attributes,
    input_preview, output_preview
FROM {database}.spans
WHERE type = 'llm';

-- The executions of every open trace, from their spans. The one place that says what a row of the
-- audit trail is: settling stores its rows, and until then questions are answered from it.
-- A preview that is whole is the text itself; only the others are looked up among the payloads
-- (PREWHERE on columns of the key is right under FINAL, and saves reading everybody's prompts).
CREATE OR REPLACE VIEW {database}.live_tool_calls AS
SELECT
    s.project AS project, s.trace_id AS trace_id, s.span_id AS span_id, parent_span_id,
    s.start_time AS start_time, duration_ns, name, tool_name, tool_call_id,
    if(p.input != '', p.input, input_preview) AS arguments,
    if(p.output != '', p.output, output_preview) AS result,
    input_bytes, output_bytes, status, status_message, error_type, service, agent, agent_id, agent_version, session_id,
    user_id, convention, scope_name, scope_version, dropped_attributes
FROM
(
    SELECT
        project, trace_id, span_id, parent_span_id, start_time, duration_ns, name, tool_name, tool_call_id,
        input_preview, output_preview, input_bytes, output_bytes, status, status_message, error_type, service,
        agent, agent_id, agent_version, session_id, user_id, convention, scope_name, scope_version, dropped_attributes
    FROM {database}.stored_spans FINAL
    WHERE (project, trace_id) IN (SELECT project, trace_id FROM {database}.open_traces)
      AND start_time >= (SELECT since FROM {database}.open_since)
      AND type = 'tool'
) AS s
LEFT JOIN
(
    SELECT project, trace_id, start_time, span_id, input, output
    FROM {database}.stored_payloads FINAL
    PREWHERE (project, trace_id, start_time, span_id) IN
    (
        SELECT project, trace_id, start_time, span_id
        FROM {database}.stored_spans
        WHERE (project, trace_id) IN (SELECT project, trace_id FROM {database}.open_traces)
          AND start_time >= (SELECT since FROM {database}.open_since)
          AND type = 'tool'
          AND (input_bytes > length(input_preview) OR output_bytes > length(output_preview))
    )
) AS p USING (project, trace_id, start_time, span_id)
SETTINGS do_not_merge_across_partitions_select_final = 1;

-- arguments and result are whole; if a limit ever cut them, input_bytes and output_bytes tell the
-- true sizes. A stored row is left out where its span is answered above: not "where its trace is
-- open", because a trace that opens again may have spans that are gone, and their audit is not.
CREATE OR REPLACE VIEW {database}.tool_calls AS
SELECT
    project, trace_id, span_id, parent_span_id, name, tool_name, tool_call_id, arguments, result,
    input_bytes, output_bytes, service, agent, agent_id, agent_version, session_id, user_id, start_time,
    addNanoseconds(start_time, toInt64(duration_ns)) AS end_time, duration_ns, status, status_message,
    error_type, convention, scope_name, scope_version, dropped_attributes
FROM {database}.stored_tool_calls FINAL
WHERE (project, trace_id, start_time, span_id) NOT IN
(
    SELECT project, trace_id, start_time, span_id
    FROM {database}.stored_spans
    WHERE (project, trace_id) IN (SELECT project, trace_id FROM {database}.open_traces)
      AND start_time >= (SELECT since FROM {database}.open_since)
)
UNION ALL
SELECT
    project, trace_id, span_id, parent_span_id, name, tool_name, tool_call_id, arguments, result,
    input_bytes, output_bytes, service, agent, agent_id, agent_version, session_id, user_id, start_time,
    addNanoseconds(start_time, toInt64(duration_ns)) AS end_time, duration_ns, status, status_message,
    error_type, convention, scope_name, scope_version, dropped_attributes
FROM {database}.live_tool_calls
SETTINGS do_not_merge_across_partitions_select_final = 1;
