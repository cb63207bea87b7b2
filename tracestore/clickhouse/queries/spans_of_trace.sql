-- Where a question about one trace reads its spans: as the view `spans` has them, but from the table itself. The view
-- puts together events and links, which costs more to analyse than one trace's rows cost to read. All of the
-- condition is of the sorting key, so FINAL may come after it.
FROM stored_spans FINAL
PREWHERE project = {project:String} AND trace_id = {trace_id:String}
