-- One trace as the data team reads it: what its spans add up to. Run as `reader` by `manage.py verify_store`.
SELECT
    count() AS span_count, countIf(type = 'llm') AS llm_calls, countIf(type = 'tool') AS tool_calls,
    countIf(status = 'error') AS errors, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
    sum(cost_usd) AS cost_usd
FROM tracestore.spans
WHERE project = {project:String} AND trace_id = {trace_id:String}
