-- Names in a sample of the newest spans, by how many of these have them.
SELECT name, count() AS spans
FROM
(
    SELECT arrayJoin(mapKeys(/*map*/)) AS name
    FROM
    (
        SELECT attributes, resource_attributes
        FROM stored_spans
        WHERE project = {project:String} AND /*conditions*/
        ORDER BY project DESC, toStartOfHour(start_time) DESC
        LIMIT 2000
    )
)
GROUP BY name
ORDER BY spans DESC, name
LIMIT 500
