-- The status of a trace at this moment: a summary says until when the trace counts as running.
if(running_until > now64(3), 'running', status) AS status
