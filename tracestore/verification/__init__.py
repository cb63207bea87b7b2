"""Proof from outside that what is sent is what is read: `manage.py verify_store`."""
