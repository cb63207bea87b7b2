"""What a rule looks at, and whether that is so. Pure."""
