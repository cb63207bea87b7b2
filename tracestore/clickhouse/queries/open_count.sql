-- Whether any trace may be open, for nearly nothing: writes after the mark. More exactly: open_traces.
SELECT count()
FROM trace_activity
WHERE covers = 0 AND at > (SELECT max(until) FROM settled_until)
