-- What was found of chosen traces before, taken back or not.
SELECT project, trace_id, id, detector, toUnixTimestamp64Nano(first_seen), digest, withdrawn
FROM stored_findings FINAL
WHERE (project, trace_id) IN (SELECT project, trace_id FROM chosen) AND first_seen >= {since:DateTime64(9, 'UTC')}
