-- How many findings each of some traces has. (As the view `findings` has them, but from the table itself: the view's
-- many columns and the project of each dismissal cost more than the few rows.)
SELECT trace_id, count() AS findings
FROM stored_findings FINAL
WHERE project = {project:String} AND trace_id IN {trace_ids:Array(String)} AND withdrawn = 0
  AND fingerprint NOT IN
    (
        SELECT fingerprint FROM stored_dismissals FINAL WHERE project = {project:String} AND active = 1
    )
GROUP BY trace_id
