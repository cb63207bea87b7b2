-- A sample of a day's finished runs of each agent, the same whenever it is drawn.
SELECT project, trace_id, agent, toUnixTimestamp64Nano(start_time) AS start_ns, status = 'error' AS failed
FROM stored_traces FINAL
WHERE start_time >= {from:DateTime64(9, 'UTC')} AND start_time < {until:DateTime64(9, 'UTC')} AND agent != '' AND llm_calls > 0
ORDER BY cityHash64(trace_id)
LIMIT {most:UInt64} BY project, agent
LIMIT {limit:UInt64}
