-- How many rows of each part are no longer kept.
SELECT _part, any(_partition_id), count()
FROM {table:Identifier}
WHERE project IN {projects:Array(String)} AND start_time < toDateTime64({first:String}, 9, 'UTC')
GROUP BY _part
