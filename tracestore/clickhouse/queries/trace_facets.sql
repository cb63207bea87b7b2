-- Field, value, number of matching traces: the most frequent values of each field.
SELECT pair.1 AS field, pair.2 AS value, count() AS traces
FROM
(
    SELECT arrayJoin(arrayConcat(
        arrayMap(one -> ('agent', one), agents),
        [('service', service), ('status', status), ('user', user_id)],
        arrayMap(one -> ('model', one), models),
        arrayMap(one -> ('tool', one), tools)
    )) AS pair
    FROM
    (
        /*include matching_traces*/
    )
)
WHERE value != ''
GROUP BY field, value
ORDER BY traces DESC, value
LIMIT {limit:UInt32} BY field
