-- How often something happened in an hour: retrievals without a hit, answers that were cut off, calls that
-- repeat a failed one of the same tool or model in the same run.
SELECT project, agent, event, name, count() AS total, countIf(hit) AS hits,
    argMaxIf(trace_id, start_time, hit) AS example_trace, argMaxIf(span_id, start_time, hit) AS example_span
FROM
(
    SELECT project, agent, trace_id, span_id, start_time, occurrence.1 AS event, occurrence.2 AS name, occurrence.3 AS hit
    FROM
    (
        SELECT
            project, toString(agent) AS agent, trace_id, span_id, start_time,
            multiIf(type = 'tool', toString(tool_name), type = 'llm', if(model != '', toString(model), toString(request_model)), toString(name)) AS called,
            lagInFrame(status = 'error' OR error_type != '', 1, 0) OVER (
                PARTITION BY project, trace_id, agent, type, called ORDER BY start_time
                ROWS BETWEEN 1 PRECEDING AND CURRENT ROW
            ) AS after_failure,
            arrayJoin(multiIf(
                type = 'retrieval',
                [('empty_retrieval', called, attributes['tracestore.retrieval.hits'] = '0')],
                type = 'llm',
                [('truncated_output', called, lower(toString(finish_reason)) IN ('length', 'max_tokens', 'max_output_tokens', 'model_length')),
                 ('retry', called, after_failure = 1)],
                [('retry', called, after_failure = 1)]
            )) AS occurrence
        FROM stored_spans FINAL
        WHERE start_time >= {from:DateTime64(9, 'UTC')} AND start_time < {until:DateTime64(9, 'UTC')}
          AND type IN ('llm', 'tool', 'retrieval')
          AND (type != 'retrieval' OR mapContains(attributes, 'tracestore.retrieval.hits'))
    )
)
WHERE name != ''
GROUP BY project, agent, event, name
