-- For how many traces the worker is behind by more than a minute.
SELECT count() FROM open_traces WHERE first_touched < now64(6, 'UTC') - INTERVAL 1 MINUTE
