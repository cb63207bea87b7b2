attributes, attribute_types, resource_attributes, scope_attributes, other_types, envelope, dropped_events, dropped_links,
arrayMap(time -> toUnixTimestamp64Nano(time), `events.time`) AS event_times,
`events.name` AS event_names,
`events.attributes` AS event_attributes,
`links.trace_id` AS link_traces,
`links.span_id` AS link_spans,
`links.attributes` AS link_attributes
