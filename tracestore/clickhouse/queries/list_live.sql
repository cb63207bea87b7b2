-- The summaries of the traces in `opened` (trace_id, first_start) that match, from their spans.
WITH
    chosen AS (SELECT {project:String} AS project, trace_id FROM opened),
    earliest AS
    (
        SELECT min(start) AS since
        FROM
        (
            SELECT first_start AS start FROM opened
            UNION ALL
            SELECT start_time AS start
            FROM stored_traces
            WHERE project = {project:String} AND trace_id IN (SELECT trace_id FROM opened)
        )
    )
SELECT
    /*include trace_columns*/,
    0 AS findings
FROM
(
    /*include trace_summary*/
)
WHERE /*conditions*/
ORDER BY /*order*/
LIMIT {limit:UInt32}
