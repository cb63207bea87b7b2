-- Which agent it was, where names are shared or change (`gen_ai.agent.id`).
ALTER TABLE {database}.stored_spans ADD COLUMN IF NOT EXISTS agent_id LowCardinality(String) AFTER agent;
