-- What finished traces called, in order: one list of `type:name` a trace. Traces that may still grow are left out.
SELECT trace_id, arrayMap(step -> step.3, arraySort(groupArray(2000)((start_time, span_id, called)))) AS path
FROM
(
    SELECT
        trace_id, start_time, span_id,
        concat(type, ':', multiIf(type IN ('llm', 'agent') AND agent != '', agent, tool_name != '', tool_name, name)) AS called
    FROM spans
    WHERE project = {project:String}
      AND trace_id IN {trace_ids:Array(String)}
      AND trace_id NOT IN (SELECT trace_id FROM open_traces WHERE project = {project:String})
      AND start_time >= fromUnixTimestamp64Nano({first_ns:Int64}, 'UTC')
      AND start_time <= fromUnixTimestamp64Nano({last_ns:Int64}, 'UTC')
      AND type IN {types:Array(String)}
)
GROUP BY trace_id
