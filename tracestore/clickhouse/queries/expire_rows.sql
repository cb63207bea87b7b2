ALTER TABLE {table:Identifier}
DELETE IN PARTITION ID {partition:String}
WHERE project IN {projects:Array(String)} AND start_time < toDateTime64({first:String}, 9, 'UTC')
