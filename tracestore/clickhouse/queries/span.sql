SELECT
    /*include span_columns*/,
    /*include span_extras*/
/*include spans_of_trace*/
WHERE span_id IN {span_ids:Array(String)}
ORDER BY start_ns DESC
LIMIT 1 BY span_id
