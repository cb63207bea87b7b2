SELECT place, if(named, owner, '') AS name, named, sum(cost) AS cost_sum
FROM
(
    SELECT
        /*include place_in_grid*/ AS place, {by:Identifier} AS owner, has({names:Array(String)}, owner) AS named,
        ifNull(cost_usd, 0) AS cost
    FROM
    (
        /*include priced_calls*/
    )
)
GROUP BY place, name, named
