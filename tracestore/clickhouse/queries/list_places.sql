-- The first traces in an order that may match, by any version of their row: nothing but narrow columns, in
-- the order of the table's key where that is the order asked for, and no FINAL. `list_rows` confirms them.
WITH
    /*include trace_status*/
SELECT start_time, trace_id, toUInt64(/*key*/) AS place
FROM stored_traces
WHERE project = {project:String} AND /*conditions*/
ORDER BY /*order*/
LIMIT {limit:UInt32}
