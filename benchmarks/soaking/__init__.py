"""The parts of `python -m benchmarks.soak`: what reads, what samples, and how it is judged."""
