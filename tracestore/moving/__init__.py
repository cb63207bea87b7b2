"""From one machine to servers: `manage.py move_store`. The source is not changed."""
