CREATE OR REPLACE VIEW {database}.findings AS
SELECT
    project, id, detector, detector_version AS version, severity, title, explanation, agent, trace_id,
    span_ids, first_seen, last_seen, wasted_cost_usd, wasted_tokens, evidence, fingerprint
FROM {database}.stored_findings FINAL;

CREATE OR REPLACE VIEW {database}.agent_health AS
SELECT project, agent, at, state, measures, reasons
FROM {database}.stored_agent_health FINAL;
