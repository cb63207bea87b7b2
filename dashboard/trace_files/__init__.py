"""A trace as a file for other programs; one module a format, each an iterator of pieces of text."""
