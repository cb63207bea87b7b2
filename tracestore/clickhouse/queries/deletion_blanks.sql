ALTER TABLE {table:Identifier} UPDATE /*texts*/ WHERE project = {project:String} AND (/*conditions*/)
