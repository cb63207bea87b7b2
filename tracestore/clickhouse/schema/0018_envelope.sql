-- What was received around a span's own content (tracestore/clickhouse/envelope.py). Very few distinct texts.
ALTER TABLE {database}.stored_spans ADD COLUMN IF NOT EXISTS envelope LowCardinality(String) AFTER other_types;
