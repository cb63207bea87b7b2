-- Writes up to {until} are settled. A trace of which only log records came so far has nothing to
-- settle and rests until a span comes.
INSERT INTO trace_activity (project, trace_id, start_time, covers)
SELECT project, trace_id, start_time, {until:DateTime64(6, 'UTC')}
FROM chosen
