-- Alert rules ask what was written since a moment, over all projects: granules that hold nothing newer are passed over.
ALTER TABLE {database}.stored_findings ADD INDEX IF NOT EXISTS by_version version TYPE minmax GRANULARITY 1;
