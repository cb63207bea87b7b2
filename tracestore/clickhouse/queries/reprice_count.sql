-- How many stored calls a price is about, and what they cost at present.
SELECT count(), sum(cost_usd), countIf(cost_usd IS NULL)
FROM spans
WHERE /*include reprice_calls*/
