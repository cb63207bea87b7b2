SELECT toUnixTimestamp64Nano(minOrNull(start_time)) FROM all_traces WHERE project = {project:String}
