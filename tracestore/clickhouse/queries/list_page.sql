-- `list_places` and `list_rows` in one: for orders by time, and conditions that read nothing but summaries.
SELECT
    /*include trace_columns*/,
    0 AS findings
FROM stored_traces FINAL
-- All of the sorting key, so FINAL may come after it.
PREWHERE project = {project:String} AND (start_time, trace_id) IN
(
    WITH
        /*include trace_status*/
    SELECT start_time, trace_id
    FROM stored_traces
    WHERE project = {project:String} AND /*conditions*/
    ORDER BY /*order*/
    LIMIT {limit:UInt32}
)
WHERE /*conditions*/
