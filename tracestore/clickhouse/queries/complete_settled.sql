SELECT project, trace_id FROM stored_traces WHERE version >= {since:UInt64} AND deleted = 0
