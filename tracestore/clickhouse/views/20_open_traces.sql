-- Traces that received spans which no summary holds yet. See 0003_trace_activity.sql.
-- The minute of overlap covers writes that were under way when the mark was set.
CREATE OR REPLACE VIEW {database}.open_traces AS
SELECT
    project, trace_id,
    minIf(start_time, covers = 0) AS first_start,
    countIf(covers = 0) AS writes,
    maxIf(at, covers = 0) AS touched,
    minIf(at, covers = 0) AS first_touched,
    max(covers) AS covered
FROM {database}.trace_activity
WHERE at >= (SELECT max(until) - INTERVAL 1 MINUTE FROM {database}.settled_until)
GROUP BY project, trace_id
HAVING touched > covered;

-- Before this no open trace has a span: lets the next view read only the end of the hot table.
-- NULL when no trace is open, which makes every comparison with it false.
CREATE OR REPLACE VIEW {database}.open_since AS
SELECT minOrNull(first_start) AS since
FROM
(
    SELECT first_start FROM {database}.open_traces
    UNION ALL
    SELECT start_time AS first_start
    FROM {database}.stored_traces
    WHERE (project, trace_id) IN (SELECT project, trace_id FROM {database}.open_traces)
);

-- The summary of every open trace. Settling stores the rows of the same text, and until then questions
-- are answered from here.
CREATE OR REPLACE VIEW {database}.live_traces AS
WITH
    chosen AS (SELECT project, trace_id FROM {database}.open_traces),
    earliest AS (SELECT since FROM {database}.open_since)
/*include trace_summary*/;
