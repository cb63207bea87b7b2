-- Of each problem in `watched`: when the first later run of its agent ended (ns) that is over and without the problem.
SELECT w.project, w.fingerprint, min(r.ended) AS first_end
FROM
(
    SELECT project, trace_id, arrayJoin(agents) AS one_agent, toUnixTimestamp64Nano(start_time) AS began,
        toUnixTimestamp64Nano(end_time) AS ended
    FROM stored_traces FINAL
    WHERE project IN (SELECT project FROM watched)
      AND start_time > fromUnixTimestamp64Nano((SELECT min(after_ns) FROM watched)::Int64, 'UTC')
      AND running_until = toDateTime64(0, 3, 'UTC')
) AS r
INNER JOIN watched AS w ON w.project = r.project AND w.agent = r.one_agent
WHERE r.began > toInt64(w.after_ns)
  AND (w.project, w.fingerprint, r.trace_id) NOT IN
  (
    SELECT project, fingerprint, trace_id
    FROM findings
    WHERE project IN (SELECT project FROM watched) AND NOT dismissed
      AND (project, fingerprint) IN (SELECT project, fingerprint FROM watched)
  )
GROUP BY w.project, w.fingerprint
