-- Traces of some projects that received spans since a moment.
SELECT project, trace_id
FROM trace_activity
WHERE at >= {after:DateTime64(6, 'UTC')} AND covers = 0 AND project IN {projects:Array(String)}
GROUP BY project, trace_id
ORDER BY max(at) DESC
LIMIT {limit:UInt64}
