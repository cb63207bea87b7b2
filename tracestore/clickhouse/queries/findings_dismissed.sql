SELECT fingerprint FROM stored_dismissals FINAL WHERE project = {project:String} AND active = 1
