-- Rows of the trail that an earlier pass wrote for traces of this one and this one did not write again.
FROM stored_tool_calls FINAL
WHERE (project, trace_id) IN (
        /*include settle_summarised*/
    )
  AND start_time >= {since:DateTime64(9, 'UTC')} AND version < {version:UInt64}
