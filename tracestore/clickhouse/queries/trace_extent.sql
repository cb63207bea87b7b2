-- When the first and the last trace of a project began (ns), NULL without any; from the key alone.
SELECT toUnixTimestamp64Nano(minOrNull(at)), toUnixTimestamp64Nano(maxOrNull(at))
FROM
(
    SELECT start_time AS at FROM stored_traces WHERE project = {project:String}
    UNION ALL
    SELECT first_start AS at FROM opened
)
