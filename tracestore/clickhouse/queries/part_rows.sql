SELECT name, rows
FROM system.parts
WHERE database = {database:String} AND table = {table:String} AND active
