-- Of the traces settled since {since}: which other trace each was handed over by. A span whose links
-- lead to several traces consumed a batch: that is no hand-over (tracestore/spans/linked.py).
INSERT INTO trace_links (project, trace_id, linked_trace_id, start_time)
SELECT project, trace_id, arrayJoin(others) AS linked, min(start_time)
FROM
(
    SELECT project, trace_id, start_time, arrayFilter(x -> x != trace_id AND x != '', arrayDistinct(links.trace_id)) AS others
    FROM stored_spans
    WHERE (project, trace_id) IN
    (
        /*include complete_settled*/
    )
      AND start_time >= fromUnixTimestamp64Nano({first:Int64})
      AND notEmpty(links.trace_id)
)
WHERE length(others) = 1
GROUP BY project, trace_id, linked
