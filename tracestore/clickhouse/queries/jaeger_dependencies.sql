-- How often a span of one service is the parent of a span of another. Only traces of several services
-- are joined: most have one, and joining every span with its parent is what costs.
SELECT parents.service AS parent, children.service AS child, count() AS calls
FROM
(
    SELECT trace_id, parent_span_id, service
    FROM spans
    WHERE project = {project:String} AND parent_span_id != ''
      AND start_time >= fromUnixTimestamp64Nano({start_ns:Int64}, 'UTC')
      AND start_time <= fromUnixTimestamp64Nano({end_ns:Int64}, 'UTC')
      AND trace_id IN (/*include jaeger_mixed_traces*/)
) AS children
INNER JOIN
(
    SELECT DISTINCT trace_id, span_id, service
    FROM stored_spans
    WHERE project = {project:String}
      AND start_time >= fromUnixTimestamp64Nano({start_ns:Int64}, 'UTC')
      AND start_time <= fromUnixTimestamp64Nano({end_ns:Int64}, 'UTC')
      AND trace_id IN (/*include jaeger_mixed_traces*/)
) AS parents
ON parents.trace_id = children.trace_id AND parents.span_id = children.parent_span_id
WHERE parents.service != children.service
GROUP BY parent, child
ORDER BY parent, child
