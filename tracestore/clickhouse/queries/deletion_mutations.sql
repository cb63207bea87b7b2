-- Whether the deletions of a table are done, and why one is not.
SELECT countIf(NOT is_done), anyIf(latest_fail_reason, NOT is_done AND latest_fail_reason != '')
FROM system.mutations
WHERE database = {database:String} AND table = {table:String}
