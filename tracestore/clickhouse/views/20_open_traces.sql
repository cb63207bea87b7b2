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
    -- The sender's SDK dropped attributes and the usage, or half of it, was among them.
    countIf(
        type IN ('llm', 'embedding') AND dropped_attributes > 0
        AND (usage_rule = '' OR endsWith(usage_rule, '+incomplete'))
    ) AS incomplete,
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
        project, trace_id, type, usage_rule, tool_name, dropped_attributes,
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
