"""Times as the API takes and gives them; the command line takes the same (`tracestore/moments.py`)."""

from tracestore.moments import EARLIEST, EXPECTED, LATEST, parse_time, rfc3339

__all__ = ["EARLIEST", "EXPECTED", "LATEST", "parse_time", "rfc3339"]
