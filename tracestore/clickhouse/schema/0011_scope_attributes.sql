-- What else was received of a span. Nearly always empty or 0, so that these columns cost next to nothing.
ALTER TABLE {database}.stored_spans
    ADD COLUMN IF NOT EXISTS scope_attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)) AFTER scope_version,
    ADD COLUMN IF NOT EXISTS dropped_events UInt32 CODEC(T64, ZSTD(1)) AFTER dropped_attributes,
    ADD COLUMN IF NOT EXISTS dropped_links UInt32 CODEC(T64, ZSTD(1)) AFTER dropped_events,
    -- As attribute_types, of the attributes of the resource, the scope, the events and the links: a JSON
    -- object {"resource": {…}, "scope": {…}, "events": [{…}, …], "links": [{…}, …]} of those that have any.
    ADD COLUMN IF NOT EXISTS other_types LowCardinality(String) AFTER resource_attributes;
