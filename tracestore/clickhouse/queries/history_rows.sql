-- The rows of a history. Of an hour that was counted again those of the last count; the row without a
-- subject marks a count that found nothing.
SELECT row
FROM
(
    SELECT row, subject, start_time, version, max(version) OVER (PARTITION BY start_time) AS latest
    FROM stored_histories FINAL
    WHERE project = {project:String} AND history = {history:String}
      AND start_time >= {from:DateTime64(9, 'UTC')} AND start_time < {until:DateTime64(9, 'UTC')}
)
WHERE version = latest AND subject != ''
ORDER BY start_time, subject
LIMIT {limit:UInt64}
