SELECT
    trace_id, start_time, agent, user_id, session_id, if(model != '', model, request_model) AS called_model,
    input_tokens, output_tokens, cost_usd, usage_rule
FROM spans
WHERE /*include in_period*/
  AND (type IN ('llm', 'embedding') OR cost_usd IS NOT NULL)
