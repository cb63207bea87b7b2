-- The names of the public contract. Exact without FINAL on the reader's side: it is in here.
-- do_not_merge_across_partitions_select_final: a key holds its own start time, so duplicates of a
-- span always share a partition and partitions can be deduplicated side by side.
CREATE OR REPLACE VIEW {database}.spans AS
SELECT
    project, trace_id, span_id, parent_span_id, trace_state, name, kind, type, service, agent,
    agent_id, agent_version, session_id, user_id, start_time,
    addNanoseconds(start_time, toInt64(duration_ns)) AS end_time,
    duration_ns, status, status_message, error_type, provider, model, request_model, operation,
    input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, usage_rule,
    cost_usd, price_source, tool_name, tool_call_id, finish_reason, response_id, convention,
    scope_name, scope_version, scope_attributes, dropped_attributes, dropped_events, dropped_links, input_preview, output_preview, input_bytes,
    output_bytes, attributes, attribute_types, resource_attributes, other_types,
    toUInt32(JSONExtractUInt(envelope, 'flags')) AS flags,
    JSONExtractString(envelope, 'resource_schema_url') AS resource_schema_url,
    JSONExtractString(envelope, 'scope_schema_url') AS scope_schema_url, envelope,
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
