-- Seconds between two spans of one run in which nothing began, of each agent: the 99th percentile. Of the
-- tools and models alone, whose spans arrive when they end.
SELECT agent, quantile(0.99)(gap) AS gap_p99
FROM
(
    SELECT
        agent,
        (toUnixTimestamp64Nano(start_time) + duration_ns - lagInFrame(toUnixTimestamp64Nano(start_time) + duration_ns, 1, toUnixTimestamp64Nano(start_time))
            OVER (PARTITION BY trace_id ORDER BY start_time ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)) / 1e9 AS gap
    FROM stored_spans
    WHERE project = {project:String} AND start_time >= now() - toIntervalHour({hours:UInt32})
      AND type IN ('llm', 'tool', 'retrieval') AND agent != '' AND cityHash64(trace_id) % 8 = 0
)
GROUP BY agent
HAVING count() >= 30
