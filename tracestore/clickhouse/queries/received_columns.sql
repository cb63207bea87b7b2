trace_id, span_id, parent_span_id, name, kind, service,
toUnixTimestamp64Nano(start_time) AS start_ns,
duration_ns, status, status_message, trace_state, scope_name, scope_version, dropped_attributes,
/*include span_extras*/,
`links.trace_state` AS link_states
