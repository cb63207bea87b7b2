-- Agents send their whole conversation again at every step, so the payloads of a trace, which lie side
-- by side, are mostly repetitions. Blocks of 4 MiB let the compression see them; a day later, when the
-- traces are complete and the parts merged, they are compressed once more with a window of 16 MiB.
-- Figures, and why messages are not kept once by hash: docs/adr/0005-payload-storage.md.
ALTER TABLE {database}.stored_payloads
    MODIFY SETTING min_compress_block_size = 4194304, max_compress_block_size = 4194304, default_compression_codec = 'ZSTD(1)';

-- A codec of its own would keep a column from being compressed again.
ALTER TABLE {database}.stored_payloads MODIFY COLUMN input String CODEC(Default);

ALTER TABLE {database}.stored_payloads MODIFY COLUMN output String CODEC(Default);

ALTER TABLE {database}.stored_payloads MODIFY COLUMN attributes String CODEC(Default);

ALTER TABLE {database}.stored_payloads MODIFY COLUMN events String CODEC(Default);

ALTER TABLE {database}.stored_payloads MODIFY TTL toDateTime(start_time) + INTERVAL 1 DAY RECOMPRESS CODEC(ZSTD(3, 24))
    SETTINGS materialize_ttl_after_modify = 0;
