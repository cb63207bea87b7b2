-- Until when a trace counts as running: its last arrival and a while, if no root was received; else 1970.
ALTER TABLE {database}.stored_traces ADD COLUMN IF NOT EXISTS running_until DateTime64(3, 'UTC') CODEC(ZSTD(1)) AFTER status;
