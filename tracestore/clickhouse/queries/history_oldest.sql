SELECT toUnixTimestamp64Nano(min(start_time)) FROM stored_spans WHERE start_time >= {from:DateTime64(9, 'UTC')}
