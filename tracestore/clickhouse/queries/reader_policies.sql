-- The tables on which a reader of one project has a row policy.
SELECT table
FROM system.row_policies
WHERE database = 'tracestore' AND short_name = {policy:String}
