-- Results of executions that do not say that they failed, those that may tell an error, each distinct text
-- once and the most frequent first. This only narrows down: whether a text is an error says
-- tracestore/detectors/hidden_errors.py.
SELECT
    project, agent, agent_version, tool_name,
    if(length(any(result)) <= 24000, any(result), concat(substring(any(result), 1, 20000), '\n', substring(any(result), -4000))) AS said,
    count() AS times, argMax(trace_id, start_time) AS example_trace, argMax(span_id, start_time) AS example_span
FROM stored_tool_calls FINAL
WHERE start_time >= {from:DateTime64(9, 'UTC')} AND start_time < {until:DateTime64(9, 'UTC')} AND tool_name != ''
  AND status != 'error' AND error_type = '' AND result != ''
  AND multiSearchAnyCaseInsensitive(result, [
        'error', 'exception', 'fail', 'traceback', 'exit', 'returncode', 'return code', 'denied', 'not found', 'no such',
        'timed out', 'timeout', 'refused', 'fatal', 'panic', 'unknown', 'unsupported', 'unrecognized', 'invalid', 'false',
        'unable to', 'segmentation', 'unauthorized', 'forbidden', 'too many', 'errored', 'cannot'
    ])
GROUP BY project, agent, agent_version, tool_name, cityHash64(result)
ORDER BY times DESC
LIMIT {limit:UInt64}
