-- Bytes that are free and that there are on the disks that hold our parts. Object storage says it has no end.
SELECT min(free_space), min(total_space), count()
FROM system.disks
WHERE total_space < 1152921504606846976
    AND name IN (SELECT disk_name FROM system.parts WHERE database = {database:String} AND active)
