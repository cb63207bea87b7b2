-- Figures that spans/semconv/retrieved.py left in the attributes; retrievals that tell neither are left out.
SELECT
    retriever, count() AS retrievals, countIf(hits = 0) AS empty, avgOrNull(hits) AS documents,
    avgOrNull(best) AS best_score, avgOrNull(worst) AS worst_score
FROM
(
    SELECT
        if(tool_name != '', tool_name, name) AS retriever,
        toFloat64OrNull(attributes['tracestore.retrieval.hits']) AS hits,
        toFloat64OrNull(attributes['tracestore.retrieval.best_score']) AS best,
        toFloat64OrNull(attributes['tracestore.retrieval.worst_score']) AS worst
    FROM stored_spans FINAL
    -- All of the sorting key, so FINAL may come after it: attributes are read of retrievals only.
    PREWHERE (project, start_time, trace_id, span_id) IN
    (
        SELECT project, start_time, trace_id, span_id
        FROM stored_spans
        WHERE /*include in_period*/
          AND agent = {agent:String} AND type = 'retrieval'
    )
    WHERE agent = {agent:String} AND type = 'retrieval'
)
WHERE hits IS NOT NULL OR best IS NOT NULL
GROUP BY retriever
ORDER BY retrievals DESC, retriever
LIMIT 50
