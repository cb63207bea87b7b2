-- How long calls took in an hour: a uniform sample of (seconds, seconds per output token) of each tool and model.
-- Failed calls and empty answers are left out: they are quick for another reason.
SELECT
    project, agent, type AS kind, if(type = 'tool', tool_name, called_model) AS name, count() AS calls,
    groupArraySample(200, 7)((took, if(output_tokens > 0, took / output_tokens, 0))) AS sample,
    argMax(trace_id, took) AS slow_trace, argMax(span_id, took) AS slow_span
FROM
(
    SELECT
        project, agent, toString(type) AS type, toString(tool_name) AS tool_name,
        if(model != '', toString(model), toString(request_model)) AS called_model,
        duration_ns / 1e9 AS took, output_tokens, trace_id, span_id
    FROM stored_spans FINAL
    WHERE start_time >= {from:DateTime64(9, 'UTC')} AND start_time < {until:DateTime64(9, 'UTC')}
      AND type IN ('llm', 'tool') AND status != 'error' AND error_type = '' AND duration_ns > 0
      AND (type = 'tool' OR output_tokens > 0 OR output_bytes > 0)
)
WHERE name != ''
GROUP BY project, agent, kind, name
