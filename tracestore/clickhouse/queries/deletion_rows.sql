ALTER TABLE {table:Identifier} DELETE WHERE project = {project:String} AND (/*conditions*/)
