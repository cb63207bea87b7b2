-- Traces that a search finds, by agent, in buckets of `width` ns since `origin` (ns), with the latest as examples.
SELECT
    if({by_agent:UInt8}, agent, '') AS agent_is,
    intDiv(toUnixTimestamp64Nano(start_time) - {origin:Int64}, {width:Int64}) AS bucket,
    count(), arraySlice(arrayMap(one -> one.2, arrayReverseSort(groupArray(100)((start_time, trace_id)))), 1, 5)
FROM
(
    /*include matching_traces*/
)
GROUP BY agent_is, bucket
