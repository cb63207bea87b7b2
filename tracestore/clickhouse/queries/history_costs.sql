-- What was spent in an hour by each agent, user, session and model: the dearest of each kind. `runs`: traces of the
-- model, and traces of the others that began in this hour.
SELECT
    project, kind, name, spent, tokens, if(kind = 'model', traces, coalesce(begun, 0)) AS runs, dearest, dearest_cost
FROM
(
    SELECT project, kind, name, sum(cost) AS spent, sum(used) AS tokens, uniqExact(trace_id) AS traces,
        argMax(trace_id, cost) AS dearest, max(cost) AS dearest_cost
    FROM
    (
        SELECT
            project, trace_id, subject.1 AS kind, subject.2 AS name,
            sum(coalesce(cost_usd, 0)) AS cost, sum(input_tokens + output_tokens) AS used
        FROM
        (
            SELECT
                project, trace_id, cost_usd, input_tokens, output_tokens,
                arrayJoin([
                    ('agent', toString(agent)), ('user', user_id), ('session', session_id),
                    ('model', if(model != '', toString(model), toString(request_model)))
                ]) AS subject
            FROM stored_spans FINAL
            WHERE start_time >= {from:DateTime64(9, 'UTC')} AND start_time < {until:DateTime64(9, 'UTC')}
              AND type IN ('llm', 'embedding')
        )
        WHERE name != ''
        GROUP BY project, trace_id, kind, name
    )
    GROUP BY project, kind, name
    ORDER BY spent DESC, tokens DESC
    LIMIT {limit:UInt64} BY project, kind
) AS costs
LEFT JOIN
(
    SELECT project, subject.1 AS kind, subject.2 AS name, count() AS begun
    FROM
    (
        SELECT project, arrayJoin([('agent', toString(agent)), ('user', user_id), ('session', session_id)]) AS subject
        FROM stored_traces FINAL
        WHERE start_time >= {from:DateTime64(9, 'UTC')} AND start_time < {until:DateTime64(9, 'UTC')}
    )
    WHERE name != ''
    GROUP BY project, kind, name
) AS started USING (project, kind, name)
ORDER BY spent DESC, tokens DESC
