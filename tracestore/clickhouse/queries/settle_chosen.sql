-- The open traces of one pass: quiet since {until}, or busy for so long that waiting helps nobody.
SELECT project, trace_id
FROM open_traces
WHERE touched <= {until:DateTime64(6, 'UTC')}
   OR greatest(first_touched, covered) <= {busy_since:DateTime64(6, 'UTC')}
