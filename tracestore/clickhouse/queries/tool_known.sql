SELECT 1 FROM stored_tool_calls WHERE project = {project:String} AND tool_name = {tool:String} LIMIT 1
