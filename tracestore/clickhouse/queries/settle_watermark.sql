-- Everything before this moment is settled.
INSERT INTO settled_until (until) VALUES ({until:DateTime64(6, 'UTC')})
