-- The names of the public contract. Exact without FINAL on the reader's side: it is in here.
-- do_not_merge_across_partitions_select_final: a key holds its own start time, so duplicates of a
-- span always share a partition and partitions can be deduplicated side by side.
CREATE OR REPLACE VIEW {database}.spans AS
SELECT
    project, trace_id, span_id, parent_span_id, trace_state, name, kind, type, service, agent,
    agent_version, session_id, user_id, start_time,
    addNanoseconds(start_time, toInt64(duration_ns)) AS end_time,
    duration_ns, status, status_message, error_type, provider, model, request_model, operation,
    input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, usage_rule,
    cost_usd, price_source, tool_name, tool_call_id, finish_reason, response_id, convention,
    scope_name, scope_version, dropped_attributes, input_preview, output_preview, input_bytes,
    output_bytes, attributes, attribute_types, resource_attributes,
    arrayZip(events.time, events.name, events.attributes)
        ::Array(Tuple(time DateTime64(9, 'UTC'), name String, attributes Map(String, String))) AS events,
    arrayZip(links.trace_id, links.span_id, links.trace_state, links.attributes)
        ::Array(Tuple(trace_id String, span_id String, trace_state String, attributes Map(String, String))) AS links
FROM {database}.stored_spans FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;

CREATE OR REPLACE VIEW {database}.span_payloads AS
SELECT
    project, trace_id, span_id, start_time, input, output, attributes, input_attribute, output_attribute, events
FROM {database}.stored_payloads FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;

-- Traces that received spans which no summary holds yet. See 0003_trace_activity.sql.
-- The minute of overlap covers writes that were under way when the mark was set.
CREATE OR REPLACE VIEW {database}.open_traces AS
SELECT
    project, trace_id,
    minIf(start_time, covers = 0) AS first_start,
    countIf(covers = 0) AS writes,
    maxIf(at, covers = 0) AS touched,
    minIf(at, covers = 0) AS first_touched,
    max(covers) AS covered
FROM {database}.trace_activity
WHERE at >= (SELECT max(until) - INTERVAL 1 MINUTE FROM {database}.settled_until)
GROUP BY project, trace_id
HAVING touched > covered;

-- Before this no open trace has a span: lets the next view read only the end of the hot table.
-- NULL when no trace is open, which makes every comparison with it false.
CREATE OR REPLACE VIEW {database}.open_since AS
SELECT minOrNull(first_start) AS since
FROM
(
    SELECT first_start FROM {database}.open_traces
    UNION ALL
    SELECT start_time AS first_start
    FROM {database}.stored_traces
    WHERE (project, trace_id) IN (SELECT project, trace_id FROM {database}.open_traces)
);

-- The summary of every open trace, computed from its spans. The one place that says what the figures
-- of a trace are: settling stores its rows, and until then questions are answered from it.
CREATE OR REPLACE VIEW {database}.live_traces AS
SELECT
    project, trace_id,
    argMin(span_name, place) AS name,
    argMinIf(span_agent, place, span_agent != '') AS agent,
    argMin(span_service, place) AS service,
    argMinIf(span_session, place, span_session != '') AS session_id,
    argMinIf(span_user, place, span_user != '') AS user_id,
    min(started) AS start_time,
    max(ended) AS end_time,
    toUInt64(greatest(0, max(ended_ns) - min(started_ns))) AS duration_ns,
    count() AS span_count,
    countIf(type = 'llm') AS llm_calls,
    countIf(type = 'tool') AS tool_calls,
    -- One failure is usually reported again by every span around it: count where it happened.
    greatest(
        countIf(span_status = 'error' AND type NOT IN ('agent', 'workflow', 'other')),
        toUInt64(countIf(span_status = 'error') > 0)
    ) AS errors,
    sum(span_input) AS input_tokens,
    sum(span_output) AS output_tokens,
    sum(span_cache_read) AS cache_read_tokens,
    sum(span_cache_write) AS cache_write_tokens,
    sum(span_reasoning) AS reasoning_tokens,
    sum(span_cost) AS cost_usd,
    countIf(type IN ('llm', 'embedding') AND usage_rule != '' AND span_cost IS NULL) AS unpriced_calls,
    -- Failed: the outermost span says so, or the last model call did and nothing came after it.
    -- Many frameworks leave the root unset or even ok when the run died inside.
    if(argMin(span_status, place) = 'error' OR argMaxIf(span_status, ended_ns, type = 'llm') = 'error', 'error', 'ok')
        AS status,
    arraySort(groupUniqArrayIf(100)(span_model, span_model != '' AND type IN ('llm', 'embedding'))) AS models,
    arraySort(groupUniqArrayIf(100)(tool_name, type = 'tool' AND tool_name != '')) AS tools,
    arraySort(groupUniqArrayIf(100)(span_agent, span_agent != '')) AS agents,
    -- What was asked and answered: as the outermost span says, else the first and the last model call.
    coalesce(
        nullIf(argMin(span_input_preview, place), ''),
        argMinIf(span_input_preview, place, type = 'llm' AND span_input_preview != '')
    ) AS input_preview,
    coalesce(
        nullIf(argMin(span_output_preview, place), ''),
        argMaxIf(span_output_preview, ended_ns, type = 'llm' AND span_output_preview != '')
    ) AS output_preview
FROM
(
    SELECT
        project, trace_id, type, usage_rule, tool_name,
        name AS span_name, agent AS span_agent, service AS span_service, session_id AS span_session,
        user_id AS span_user, start_time AS started,
        addNanoseconds(start_time, toInt64(duration_ns)) AS ended,
        toUnixTimestamp64Nano(start_time) AS started_ns, started_ns + toInt64(duration_ns) AS ended_ns,
        status AS span_status, model AS span_model, input_tokens AS span_input, output_tokens AS span_output,
        cache_read_tokens AS span_cache_read, cache_write_tokens AS span_cache_write,
        reasoning_tokens AS span_reasoning, cost_usd AS span_cost,
        input_preview AS span_input_preview, output_preview AS span_output_preview,
        -- Outermost first: roots before the rest, then by time.
        (parent_span_id != '', start_time, span_id) AS place
    FROM {database}.stored_spans FINAL
    WHERE (project, trace_id) IN (SELECT project, trace_id FROM {database}.open_traces)
      AND start_time >= (SELECT since FROM {database}.open_since)
)
GROUP BY project, trace_id
SETTINGS do_not_merge_across_partitions_select_final = 1;

CREATE OR REPLACE VIEW {database}.findings AS
SELECT
    project, id, detector, detector_version AS version, severity, title, explanation, agent, trace_id,
    span_ids, first_seen, last_seen, wasted_cost_usd, wasted_tokens, evidence, fingerprint
FROM {database}.stored_findings FINAL;

CREATE OR REPLACE VIEW {database}.agent_health AS
SELECT project, agent, at, state, measures, reasons
FROM {database}.stored_agent_health FINAL;

CREATE OR REPLACE VIEW {database}.all_traces AS
SELECT
    project, trace_id, name, agent, service, session_id, user_id, start_time, end_time, duration_ns,
    span_count, llm_calls, tool_calls, errors, input_tokens, output_tokens, cache_read_tokens,
    cache_write_tokens, reasoning_tokens, cost_usd, unpriced_calls, status, models, tools, agents,
    input_preview, output_preview
FROM {database}.stored_traces FINAL
WHERE (project, trace_id) NOT IN (SELECT project, trace_id FROM {database}.open_traces)
UNION ALL
SELECT
    project, trace_id, name, agent, service, session_id, user_id, start_time, end_time, duration_ns,
    span_count, llm_calls, tool_calls, errors, input_tokens, output_tokens, cache_read_tokens,
    cache_write_tokens, reasoning_tokens, cost_usd, unpriced_calls, status, models, tools, agents,
    input_preview, output_preview
FROM {database}.live_traces;

CREATE OR REPLACE VIEW {database}.traces AS
SELECT t.*, f.findings AS findings
FROM {database}.all_traces AS t
LEFT JOIN
(
    SELECT project, trace_id, count() AS findings
    FROM {database}.findings
    WHERE trace_id != ''
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
    sum(trace_cost) AS cost_usd
FROM
(
    SELECT
        project, session_id, agent AS trace_agent, user_id AS trace_user, start_time AS started,
        end_time AS ended, span_count AS spans, llm_calls AS trace_llm_calls, tool_calls AS trace_tool_calls,
        errors AS trace_errors, input_tokens AS trace_input, output_tokens AS trace_output,
        cost_usd AS trace_cost
    FROM {database}.all_traces
    WHERE session_id != ''
)
GROUP BY project, session_id;

CREATE OR REPLACE VIEW {database}.llm_calls AS
SELECT
    project, trace_id, span_id, parent_span_id, name, service, agent, agent_version, session_id, user_id,
    start_time, end_time, duration_ns, status, status_message, error_type, provider, model, request_model,
    operation, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens,
    usage_rule, cost_usd, price_source, finish_reason, response_id, convention, dropped_attributes,
    input_preview, output_preview
FROM {database}.spans
WHERE type = 'llm';

-- arguments and result are whole up to the preview length of tool spans; input_bytes and
-- output_bytes tell the true sizes, and span_payloads has all of it.
CREATE OR REPLACE VIEW {database}.tool_calls AS
SELECT
    project, trace_id, span_id, parent_span_id, tool_name, tool_call_id, input_preview AS arguments,
    output_preview AS result, input_bytes, output_bytes, service, agent, agent_version, session_id, user_id,
    start_time, end_time, duration_ns, status, status_message, error_type, convention
FROM {database}.spans
WHERE type = 'tool';
