"""Secrets taken out of spans before anything is written.

`rules.py` says what a secret is, `apply.py` takes it out of a span, `scan.py` tells in one cheap pass
whether a body can hold one at all. Pure: which rules a project has is read elsewhere.
"""
