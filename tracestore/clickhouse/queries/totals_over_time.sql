SELECT
    /*include place_in_grid*/ AS place,
    /*include totals_columns*/
FROM all_traces
WHERE /*include in_period*/
  AND ({agent:String} = '' OR has(agents, {agent:String}))
GROUP BY place
