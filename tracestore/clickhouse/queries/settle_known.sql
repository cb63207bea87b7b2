-- Which of the chosen traces have a summary already, and the start that it says.
SELECT project, trace_id, min(toUnixTimestamp64Nano(start_time))
FROM stored_traces
PREWHERE (project, trace_id) IN (SELECT project, trace_id FROM chosen)
WHERE deleted = 0
GROUP BY project, trace_id
