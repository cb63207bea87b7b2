-- Tokens that went into a model call of each agent: the 99th percentile.
SELECT agent, quantile(0.99)(input_tokens)
FROM stored_spans
WHERE project = {project:String} AND start_time >= now() - toIntervalHour({hours:UInt32}) AND type = 'llm'
  AND input_tokens > 0 AND agent != ''
GROUP BY agent
HAVING count() >= 30
