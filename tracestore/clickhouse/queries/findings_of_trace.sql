-- How many findings a trace has, as a value: a join with what all traces have costs more than the trace itself.
SELECT count()
FROM stored_findings FINAL
WHERE project = {project:String} AND trace_id = {trace_id:String} AND withdrawn = 0
  AND fingerprint NOT IN
    (
        SELECT fingerprint FROM stored_dismissals FINAL WHERE project = {project:String} AND active = 1
    )
