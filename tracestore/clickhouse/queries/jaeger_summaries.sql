-- What the result list of a search shows, one row per trace and service. `place` orders spans so that
-- the least of them is the trace's root: no parent first, then the earliest.
SELECT
    trace_id, service,
    count() AS span_count,
    countIf(status = 'error') AS error_count,
    countIf(parent_span_id != '' AND (trace_id, parent_span_id) NOT IN (
        SELECT trace_id, span_id FROM spans
        WHERE project = {project:String} AND trace_id IN {trace_ids:Array(String)}
    )) AS orphan_count,
    toUnixTimestamp64Nano(min(start_time)) AS start_ns,
    toUnixTimestamp64Nano(max(end_time)) AS end_ns,
    min((parent_span_id != '', toUnixTimestamp64Nano(start_time), span_id)) AS place,
    argMin(name, (parent_span_id != '', toUnixTimestamp64Nano(start_time), span_id)) AS first_name
FROM spans
WHERE project = {project:String} AND trace_id IN {trace_ids:Array(String)}
GROUP BY trace_id, service
ORDER BY trace_id, service
