"""A copy of everything that is kept, taken while it runs, and put back: `manage.py backup`, `manage.py restore`."""
