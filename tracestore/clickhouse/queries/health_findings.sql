-- Findings that speak for the state of an agent now: of runs those of the last hour (how many runs have one),
-- of windows those of the last 24 hours (the latest title).
SELECT
    f.project, f.agent, s.version, f.detector, f.severity, f.trace_id = '' AS of_window,
    uniqExact(f.trace_id) AS runs, argMax(f.title, f.last_seen) AS latest, max(f.last_seen) >= {two_hours:DateTime64(9, 'UTC')} AS fresh
FROM findings AS f
LEFT JOIN
(
    SELECT project, trace_id, arrayJoin(arrayDistinct(['', any(toString(agent_version))])) AS version
    FROM stored_spans
    WHERE start_time >= {day:DateTime64(9, 'UTC')} AND agent_version != ''
      AND (project, trace_id) IN (
            SELECT project, trace_id FROM findings
            WHERE trace_id != '' AND last_seen >= {hour:DateTime64(9, 'UTC')} AND first_seen >= {day:DateTime64(9, 'UTC')}
        )
    GROUP BY project, trace_id
) AS s ON f.project = s.project AND f.trace_id = s.trace_id
WHERE NOT f.dismissed AND f.severity IN ('warning', 'critical') AND f.first_seen >= {week:DateTime64(9, 'UTC')}
  AND f.last_seen >= if(f.trace_id = '', {day:DateTime64(9, 'UTC')}, {hour:DateTime64(9, 'UTC')})
GROUP BY f.project, f.agent, s.version, f.detector, f.severity, of_window
