ALTER TABLE {table:Identifier} DROP PART {part:String}
