-- "The errors of one tool" over a long time: granules without a span of that tool and status are passed over. A granule
-- has few pairs, so the index takes some bytes of it; parts from before have it once they are merged.
ALTER TABLE {database}.stored_spans ADD INDEX IF NOT EXISTS by_tool_status (tool_name, status) TYPE set(256) GRANULARITY 1;
