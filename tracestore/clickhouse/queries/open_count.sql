SELECT count() FROM open_traces WHERE project = {project:String}
