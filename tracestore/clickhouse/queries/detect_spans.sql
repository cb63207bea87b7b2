-- The spans of chosen traces as detectors read them, but those that the caller has already (`after`, a
-- version), which are left out before the rest of a row is read. Of a huge trace the newest. Attributes and
-- events in full only where messages are in them. Beginnings of payloads only where they are the whole:
-- a span that `wants_payload` is read from the payloads.
SELECT
    project, trace_id, span_id, parent_span_id, name, type,
    toUnixTimestamp64Nano(start_time) AS start_ns, duration_ns, status, status_message, error_type,
    service, agent, agent_version, session_id, user_id, provider,
    if(model != '', model, request_model) AS called_model,
    input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_usd,
    tool_name, tool_call_id, finish_reason,
    -- Messages may stand in attributes that are payload, whatever the sizes say.
    type = 'llm' OR (
        type IN ('tool', 'retrieval', 'agent')
        AND (input_bytes > length(input_preview) OR output_bytes > length(output_preview))
    ) AS wants_payload,
    if(wants_payload, '', input_preview) AS whole_input,
    if(wants_payload, '', output_preview) AS whole_output,
    input_bytes, output_bytes,
    if(type = 'llm', attributes, mapFilter(
        (name, value) -> startsWith(name, 'tracestore.retrieval.')
            OR name IN ('gen_ai.request.max_tokens', 'http.response.status_code'),
        attributes
    )) AS read_attributes,
    attribute_types,
    if(type = 'llm', `events.name`, []) AS event_names,
    if(type = 'llm', `events.attributes`, []) AS event_attributes,
    version
FROM stored_spans FINAL
PREWHERE (project, trace_id) IN (SELECT project, trace_id FROM chosen)
    AND version > transform(
        concat(project, ' ', trace_id),
        (SELECT groupArray(concat(project, ' ', trace_id)) FROM chosen),
        (SELECT groupArray(after) FROM chosen),
        toUInt64(0)
    )
WHERE start_time >= {since:DateTime64(9, 'UTC')}
ORDER BY start_ns DESC
LIMIT {most:UInt64} BY project, trace_id
SETTINGS do_not_merge_across_partitions_select_final = 1, max_threads = 1
