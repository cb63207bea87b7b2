-- A trace is marked as settled on the disk (0003_trace_activity.sql), so its summary must be there too:
-- after a power cut nothing would make it again.
ALTER TABLE {database}.stored_traces MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;

ALTER TABLE {database}.trace_links MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;
