SELECT /*columns*/
FROM {view:Identifier} AS e
WHERE e.project = {project:String} AND /*conditions*/
