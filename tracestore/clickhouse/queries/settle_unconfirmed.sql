-- Rows of the trail that an earlier pass wrote for the same traces and this one did not write again.
FROM stored_tool_calls FINAL
PREWHERE (project, trace_id) IN (SELECT project, trace_id FROM apart)
WHERE start_time >= {since:DateTime64(9, 'UTC')} AND version < {version:UInt64}
