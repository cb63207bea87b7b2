-- Problems of which something was written since `after` (ns), and projects in which a finding was taken back (those
-- rows have no fingerprint). In the projects of `fresh` (their rules are new) since `earlier`.
SELECT project, fingerprint, max(version) AS latest
FROM
(
    SELECT project, fingerprint, version
    FROM stored_findings
    WHERE version >= least({after:UInt64}, {earlier:UInt64})
      AND (version >= {after:UInt64} OR project IN {fresh:Array(String)})
    UNION ALL
    SELECT project, fingerprint, version FROM stored_dismissals WHERE version >= {after:UInt64}
)
GROUP BY project, fingerprint
ORDER BY latest
