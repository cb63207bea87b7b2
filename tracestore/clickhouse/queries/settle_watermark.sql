-- Everything before the oldest write that is still waiting is settled.
INSERT INTO settled_until (until)
SELECT least({until:DateTime64(6, 'UTC')}, ifNull(minOrNull(greatest(first_touched, covered)), {until:DateTime64(6, 'UTC')}))
FROM open_traces
