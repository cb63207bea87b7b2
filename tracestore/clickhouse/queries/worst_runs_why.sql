SELECT
    trace_id,
    argMax(called, (model_cost, model_calls, called)) AS dearest_model,
    argMax(model_calls, (model_cost, model_calls, called)) AS dearest_model_calls,
    nullIf(max(model_cost), 0) AS dearest_model_cost,
    argMax(top_span, (top_cost, top_span)) AS dearest_span, nullIf(max(top_cost), 0) AS dearest_span_cost,
    argMinIf(first_input, first_at, model_calls > 0) AS first_context, max(largest_input) AS largest_context,
    argMax(tool, (tool_uses, tool)) AS repeated_tool, max(tool_uses) AS repeats,
    argMax(tool_inputs, (tool_uses, tool)) AS distinct_inputs
FROM
(
    SELECT
        trace_id,
        if(type IN ('llm', 'embedding'), if(model != '', model, request_model), '') AS called,
        if(type IN ('tool', 'retrieval'), if(tool_name != '', tool_name, name), '') AS tool,
        ifNull(sum(cost_usd), 0) AS model_cost, countIf(type = 'llm') AS model_calls,
        argMax(span_id, (ifNull(cost_usd, 0), span_id)) AS top_span, ifNull(max(cost_usd), 0) AS top_cost,
        argMinIf(input_tokens, start_time, type = 'llm') AS first_input, minIf(start_time, type = 'llm') AS first_at,
        maxIf(input_tokens, type = 'llm') AS largest_input,
        countIf(type IN ('tool', 'retrieval')) AS tool_uses, uniqExactIf(input_preview, type IN ('tool', 'retrieval')) AS tool_inputs
    FROM spans
    -- The traces began in the period, so none of their spans is older.
    WHERE project = {project:String} AND trace_id IN {traces:Array(String)}
      AND start_time >= toDateTime64({since:String}, 9, 'UTC')
    GROUP BY trace_id, called, tool
)
GROUP BY trace_id
