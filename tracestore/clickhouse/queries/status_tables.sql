-- Rows and bytes of each table, merged copies not counted.
SELECT table, sum(rows), sum(bytes_on_disk) AS bytes
FROM system.parts
WHERE database = {database:String} AND active
GROUP BY table
ORDER BY bytes DESC, table
