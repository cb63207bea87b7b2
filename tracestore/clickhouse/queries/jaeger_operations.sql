-- Some senders put ids into span names; a list of choices ends somewhere.
SELECT name, kind
FROM stored_spans
WHERE project = {project:String} AND service = {service:String} AND ({kind:String} = '' OR kind = {kind:String})
GROUP BY name, kind
ORDER BY name, kind
LIMIT 10000
