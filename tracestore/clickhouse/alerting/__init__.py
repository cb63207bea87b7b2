"""What alert rules read."""
