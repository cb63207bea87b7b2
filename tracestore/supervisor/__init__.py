"""`manage.py up`: one process that starts, watches and stops all the others on one machine.

Single-threaded and without Django, so that what must survive everything else is small, cheap and
safe to fork from. Read `__main__` for the order of a start, `loop` for what happens afterwards.
"""
