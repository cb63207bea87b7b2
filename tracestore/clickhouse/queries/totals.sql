SELECT
    /*include totals_columns*/
FROM all_traces
WHERE /*include in_period*/
  AND ({agent:String} = '' OR has(agents, {agent:String}))
