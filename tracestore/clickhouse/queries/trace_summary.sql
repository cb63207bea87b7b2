-- The one place that says what the figures of a trace are, computed from its spans. Whoever includes it
-- gives `chosen` (project, trace_id) and `earliest` (since: before it none of them has a span).
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
    -- Spans are sent when they end, so while no root has come the run goes on; unless nothing comes any more.
    if(
        min(span_has_parent) = 0, toDateTime64(0, 3, 'UTC'),
        fromUnixTimestamp64Milli(toInt64(intDiv(max(written), 1000000)), 'UTC') + INTERVAL 15 MINUTE
    ) AS running_until,
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
        project, trace_id, type, usage_rule, tool_name, dropped_attributes, version AS written,
        name AS span_name, agent AS span_agent, service AS span_service, session_id AS span_session,
        user_id AS span_user, start_time AS started,
        addNanoseconds(start_time, toInt64(duration_ns)) AS ended,
        toUnixTimestamp64Nano(start_time) AS started_ns, started_ns + toInt64(duration_ns) AS ended_ns,
        status AS span_status, model AS span_model, input_tokens AS span_input, output_tokens AS span_output,
        cache_read_tokens AS span_cache_read, cache_write_tokens AS span_cache_write,
        reasoning_tokens AS span_reasoning, cost_usd AS span_cost,
        input_preview AS span_input_preview, output_preview AS span_output_preview,
        -- Outermost first: roots before the rest, then by time.
        parent_span_id != '' AS span_has_parent,
        (span_has_parent, start_time, span_id) AS place
    FROM stored_spans FINAL
    -- Both columns are of the sorting key, so FINAL may come after: most of the table is never read.
    PREWHERE (project, trace_id) IN (SELECT project, trace_id FROM chosen)
    WHERE start_time >= (SELECT since FROM earliest)
)
GROUP BY project, trace_id
SETTINGS do_not_merge_across_partitions_select_final = 1
