"""Seeded fleets of agents with known trouble, to measure detectors of rates and costs on.

Written before the detectors that are measured on them, and frozen: a change here and a change of a
detector never come in one commit. They leave the detectors' own assumptions on purpose: failures are
not beta-binomial, costs of runs are log-normal, Pareto or of two sizes, days differ, days are missing,
agents start late. All times are whole hours since `EPOCH_HOUR`, a Monday at 00:00 UTC.
"""

#: Detectors were made while looking at these seeds, and are scored on those. Never the other way round.
SEEDS_TO_LOOK_AT = range(1, 10)
SEEDS_TO_SCORE = range(121, 126)  # earlier ones were scored once each and led to changes
