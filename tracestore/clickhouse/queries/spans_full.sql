SELECT
    /*include span_columns*/,
    /*include span_extras*/
/*include spans_of_trace*/
ORDER BY start_ns, span_id
LIMIT {limit:UInt32}
