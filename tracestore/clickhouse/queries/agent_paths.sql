-- Steps of tools and retrievals in the order of their start; the first 200 of a trace tell its way.
SELECT path, count() AS trace_count, count() / sum(count()) OVER () AS share, argMax(trace_id, began) AS example
FROM
(
    SELECT
        trace_id, min(start_time) AS began,
        arrayCompact(arrayMap(step -> step.3, arraySlice(arraySort(groupArrayIf(
            (start_time, span_id, if(tool_name != '', tool_name, name)), type IN ('tool', 'retrieval')
        )), 1, 200))) AS path
    FROM spans
    WHERE /*include in_period*/
      AND agent = {agent:String}
    GROUP BY trace_id
)
GROUP BY path
ORDER BY trace_count DESC, path
LIMIT 5
