"""The capacity model of `python -m benchmarks.capacity`: figures, layouts, a simulation, and the steps that follow."""
