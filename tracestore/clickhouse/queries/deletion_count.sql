-- Rows of a table that are to go, old versions that are not merged away yet among them: without FINAL.
SELECT count() FROM {table:Identifier} WHERE project = {project:String} AND (/*conditions*/)
