"""One module per dialect in which agents describe their spans; each reads one span on its own.

A dialect module offers `read(span)`: it fills the columns of a fresh `Span` from its record and
never raises. Which dialect reads which span is decided in `tracestore.spans.normalise`.
"""
