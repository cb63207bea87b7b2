attributes, attribute_types, resource_attributes, scope_attributes, other_types, dropped_events, dropped_links,
arrayMap(event -> toUnixTimestamp64Nano(event.time), events) AS event_times,
arrayMap(event -> event.name, events) AS event_names,
arrayMap(event -> event.attributes, events) AS event_attributes,
arrayMap(link -> link.trace_id, links) AS link_traces,
arrayMap(link -> link.span_id, links) AS link_spans,
arrayMap(link -> link.attributes, links) AS link_attributes
