-- Traces that began in an hour, of each agent, user and session.
SELECT project, subject.1 AS kind, subject.2 AS name, count() AS runs
FROM
(
    SELECT project, arrayJoin([('agent', toString(agent)), ('user', user_id), ('session', session_id)]) AS subject
    FROM stored_traces FINAL
    WHERE start_time >= {from:DateTime64(9, 'UTC')} AND start_time < {until:DateTime64(9, 'UTC')}
)
WHERE name != ''
GROUP BY project, kind, name
