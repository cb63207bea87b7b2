SELECT detector, count(DISTINCT trace_id) AS traces
FROM findings
WHERE project = {project:String} AND NOT dismissed AND trace_id IN
(
    SELECT trace_id
    FROM
    (
        /*include matching_traces*/
    )
)
GROUP BY detector
ORDER BY traces DESC, detector
LIMIT {limit:UInt32}
