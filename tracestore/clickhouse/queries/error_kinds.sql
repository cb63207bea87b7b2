-- A message's template: quoted words, long hexadecimal ids and numbers are masked, in this order.
SELECT
    template, kind, arraySort(groupUniqArray(10)(place)) AS places, count() AS error_count,
    uniqExact(trace_id) AS trace_count, min(started_ns) AS first_ns, max(started_ns) AS last_ns,
    argMax(message, (started_ns, span_id)) AS example, argMax(trace_id, (started_ns, span_id)) AS example_trace,
    argMax(span_id, (started_ns, span_id)) AS example_span
FROM
(
    SELECT
        leftUTF8(status_message, 500) AS message, error_type AS kind, trace_id, span_id,
        toUnixTimestamp64Nano(start_time) AS started_ns,
        multiIf(tool_name != '', tool_name, model != '', model, name) AS place,
        replaceRegexpAll(
            replaceRegexpAll(
                replaceRegexpAll(message, '(^|\\W)(?:"[^"]*"|`[^`]*`|''[^'']*'')', '\\1"…"'),
                '\\b[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}\\b|\\b0x[0-9a-fA-F]+\\b|\\b[0-9a-fA-F]*[0-9][0-9a-fA-F]{7,}\\b', '<id>'
            ),
            '[0-9]+([.,:][0-9]+)*', '<n>'
        ) AS template
    FROM spans
    WHERE /*include in_period*/
      AND status = 'error' AND type NOT IN ('agent', 'workflow', 'other')
      AND ({agent:String} = '' OR agent = {agent:String})
      AND ({tool:String} = '' OR (type = 'tool' AND tool_name = {tool:String}))
)
GROUP BY template, kind
ORDER BY error_count DESC, template, kind
LIMIT {limit:UInt32}
