"""What an installation needs to be well, asked one by one: `manage.py doctor`."""
