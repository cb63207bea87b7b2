-- The days on which there is something to price, with how many calls.
SELECT toString(toDate(start_time)) AS day, count()
FROM spans
WHERE /*include reprice_calls*/
GROUP BY day
ORDER BY day
