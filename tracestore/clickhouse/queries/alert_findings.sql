-- The findings of the problems in `watched` that were seen or written since a moment and still count, of each the
-- newest. Only the worst and newest of a problem bring their long texts.
SELECT
    project, fingerprint, id, detector, severity, agent, trace_id, seen_first, seen_last, stored, wasted, tokens, cause,
    first_span, title, if(place = 1, substring(explanation, 1, 2000), ''), if(place = 1, evidence, ''), key
FROM
(
    SELECT
        project, fingerprint, id, detector, severity, agent, trace_id,
        toUnixTimestamp64Nano(first_seen) AS seen_first, toUnixTimestamp64Nano(last_seen) AS seen_last,
        version AS stored, wasted_cost_usd AS wasted, wasted_tokens AS tokens, cause,
        if(look_first != '' OR empty(span_ids), look_first, span_ids[1]) AS first_span,
        title, explanation, evidence, key,
        row_number() OVER (
            PARTITION BY project, fingerprint
            ORDER BY indexOf(['info', 'warning', 'critical'], severity) DESC, last_seen DESC, id
        ) AS place
    FROM stored_findings FINAL
    -- All three are of the key, so that FINAL may come after.
    PREWHERE (project, first_seen, id) IN
    (
        SELECT project, first_seen, id
        FROM stored_findings
        WHERE (project, fingerprint) IN (SELECT project, fingerprint FROM watched)
          AND first_seen >= {earliest:DateTime64(9, 'UTC')}
          AND (last_seen >= {since:DateTime64(9, 'UTC')} OR version >= {since_ns:UInt64})
    )
    WHERE withdrawn = 0
      AND (project, fingerprint) NOT IN (SELECT project, fingerprint FROM stored_dismissals FINAL WHERE active = 1)
)
ORDER BY project, fingerprint, seen_last DESC, id
LIMIT {most:UInt32} BY project, fingerprint
