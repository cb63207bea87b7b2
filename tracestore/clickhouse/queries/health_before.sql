-- What was seen of each agent within the last windows, oldest first.
SELECT project, agent, agent_version, seen_state, reasons
FROM stored_agent_health FINAL
WHERE at >= {since:DateTime64(3, 'UTC')}
ORDER BY at
