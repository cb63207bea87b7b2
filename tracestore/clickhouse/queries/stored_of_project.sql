-- Bytes by share of rows: a part may hold several projects, and knows only its own size.
SELECT
    sum(found.rows), min(found.first_ns), max(found.last_ns),
    sum(parts.bytes_on_disk * found.rows / parts.rows), max(found.rows < parts.rows)
FROM
(
    SELECT
        _part AS part, count() AS rows, toUnixTimestamp64Nano(min(start_time)) AS first_ns,
        toUnixTimestamp64Nano(max(start_time)) AS last_ns
    FROM {table:Identifier}
    WHERE project = {project:String}
    GROUP BY part
) AS found
INNER JOIN
(
    SELECT name, rows, bytes_on_disk
    FROM system.parts
    WHERE database = {database:String} AND table = {table:String} AND active
) AS parts ON parts.name = found.part
