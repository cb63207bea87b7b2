-- How long each tool's calls took, in seconds.
SELECT
    tool_name, count() AS calls, quantile(0.75)(took), quantile(0.95)(took),
    quantile(0.75)(took) - quantile(0.25)(took), quantile(0.99)(took)
FROM (
    SELECT tool_name, duration_ns / 1e9 AS took
    FROM stored_spans
    WHERE project = {project:String} AND start_time >= now() - toIntervalHour({hours:UInt32}) AND type = 'tool'
      AND tool_name != ''
)
GROUP BY tool_name
HAVING calls >= 20
