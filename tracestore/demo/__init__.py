"""A simulated fleet of agents for `make demo`: what a real one would send, without models or keys.

fleet (who) → scenarios (what happens in a run, told with `story`) → timetable (when) → dialects and
otlp (as the frameworks would send it) → player. A run depends on its seed and start only, so sending
it again stores nothing twice.
"""
