-- What a finding says beyond the contract, and what storing it again needs: `digest` tells whether its
-- content changed, `withdrawn` = 1 takes back what a newer look at the same spans no longer says.
ALTER TABLE {database}.stored_findings
    ADD COLUMN IF NOT EXISTS key String,
    ADD COLUMN IF NOT EXISTS cause LowCardinality(String),
    ADD COLUMN IF NOT EXISTS look_first String,
    ADD COLUMN IF NOT EXISTS digest String,
    ADD COLUMN IF NOT EXISTS withdrawn UInt8;

-- A look is done when this says so, so what it found must be on the disk before.
ALTER TABLE {database}.stored_findings MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;

-- Problems that somebody said are none: findings of these fingerprints do not count, those of before
-- and those to come. `active` = 0 undoes it. Who said so and why is in the metadata.
CREATE TABLE IF NOT EXISTS {database}.stored_dismissals
(
    project     LowCardinality(String),
    fingerprint String,
    active      UInt8,
    version     UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project, fingerprint);

-- Up to when each job of detection has looked; the latest row of a job counts.
CREATE TABLE IF NOT EXISTS {database}.detected_until
(
    job   LowCardinality(String),
    until DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(until)
ORDER BY job;
