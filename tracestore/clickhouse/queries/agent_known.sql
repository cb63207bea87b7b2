SELECT 1 FROM stored_spans WHERE project = {project:String} AND agent = {agent:String} LIMIT 1
