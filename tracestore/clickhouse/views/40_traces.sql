CREATE OR REPLACE VIEW {database}.all_traces AS
SELECT
    project, trace_id, name, agent, service, session_id, user_id, start_time, end_time, duration_ns,
    span_count, llm_calls, tool_calls, errors, input_tokens, output_tokens, cache_read_tokens,
    cache_write_tokens, reasoning_tokens, cost_usd, unpriced_calls, incomplete,
    /*include trace_status*/,
    models, tools, agents, input_preview, output_preview
FROM {database}.stored_traces FINAL
WHERE (project, trace_id) NOT IN (SELECT project, trace_id FROM {database}.open_traces)
UNION ALL
SELECT
    project, trace_id, name, agent, service, session_id, user_id, start_time, end_time, duration_ns,
    span_count, llm_calls, tool_calls, errors, input_tokens, output_tokens, cache_read_tokens,
    cache_write_tokens, reasoning_tokens, cost_usd, unpriced_calls, incomplete,
    /*include trace_status*/,
    models, tools, agents, input_preview, output_preview
FROM {database}.live_traces;

CREATE OR REPLACE VIEW {database}.traces AS
SELECT t.*, f.findings AS findings
FROM {database}.all_traces AS t
LEFT JOIN
(
    SELECT project, trace_id, count() AS findings
    FROM {database}.findings
    WHERE trace_id != '' AND NOT dismissed
    GROUP BY project, trace_id
) AS f USING (project, trace_id);

CREATE OR REPLACE VIEW {database}.sessions AS
SELECT
    project, session_id,
    argMin(trace_agent, started) AS agent,
    argMinIf(trace_user, started, trace_user != '') AS user_id,
    min(started) AS start_time,
    max(ended) AS end_time,
    count() AS traces,
    sum(spans) AS span_count,
    sum(trace_llm_calls) AS llm_calls,
    sum(trace_tool_calls) AS tool_calls,
    sum(trace_errors) AS errors,
    sum(trace_input) AS input_tokens,
    sum(trace_output) AS output_tokens,
    sum(trace_cost) AS cost_usd,
    sum(trace_incomplete) AS incomplete
FROM
(
    SELECT
        project, session_id, agent AS trace_agent, user_id AS trace_user, start_time AS started,
        end_time AS ended, span_count AS spans, llm_calls AS trace_llm_calls, tool_calls AS trace_tool_calls,
        errors AS trace_errors, input_tokens AS trace_input, output_tokens AS trace_output,
        cost_usd AS trace_cost, incomplete AS trace_incomplete
    FROM {database}.all_traces
    WHERE session_id != ''
)
GROUP BY project, session_id;
