-- What a newer look took back is not there. What somebody dismissed is, marked, as no more than `info`:
-- whoever counts findings leaves `dismissed` out.
CREATE OR REPLACE VIEW {database}.findings AS
SELECT
    f.project AS project, f.id AS id, f.detector AS detector, f.detector_version AS version,
    toLowCardinality(if(dismissed, 'info', f.severity)) AS severity, f.title AS title,
    f.explanation AS explanation, f.agent AS agent, f.trace_id AS trace_id, f.span_ids AS span_ids, f.first_seen AS first_seen, f.last_seen AS last_seen,
    f.wasted_cost_usd AS wasted_cost_usd, f.wasted_tokens AS wasted_tokens, f.evidence AS evidence,
    f.fingerprint AS fingerprint, f.key AS key, f.cause AS cause, f.look_first AS look_first,
    (f.project, f.fingerprint) IN (
        SELECT project, fingerprint FROM {database}.stored_dismissals FINAL WHERE active = 1
    ) AS dismissed
FROM {database}.stored_findings AS f FINAL
WHERE f.withdrawn = 0;

CREATE OR REPLACE VIEW {database}.agent_health AS
SELECT project, agent, agent_version, at, state, measures, reasons, healthy_again
FROM {database}.stored_agent_health FINAL;
