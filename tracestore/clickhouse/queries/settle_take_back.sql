-- Rows of the trail that this pass did not write again are taken back if their span is there and is no
-- execution any more. A row whose span is gone stays: the trail is kept longer than the spans.
INSERT INTO stored_tool_calls (project, trace_id, span_id, start_time, version, deleted)
SELECT project, trace_id, span_id, start_time, {version:UInt64}, 1
/*include settle_unconfirmed*/
  AND (project, trace_id, start_time, span_id) IN (
        SELECT project, trace_id, start_time, span_id
        FROM stored_spans FINAL
        PREWHERE (project, trace_id) IN (SELECT project, trace_id FROM apart)
        WHERE start_time >= {since:DateTime64(9, 'UTC')} AND type != 'tool'
    )
SETTINGS max_partitions_per_insert_block = 0
