-- Before this no trace of this pass has a span; NULL when the pass summarised none.
SELECT toString(minOrNull(start_time))
FROM stored_traces
WHERE version = {version:UInt64} AND deleted = 0
