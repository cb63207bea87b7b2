"""Statistics that detectors of series share: tails, multiplicity, robust scale, seasons, change. No state."""
