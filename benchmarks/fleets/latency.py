"""A fleet of tools and models with latencies, some of which get worse. Seeded; written before the detector.

Each series has its own median (0.05 to 8 s), spread, clock season, day noise and share of slow calls, and
between 1 and 120 calls an hour; some hours and days are empty. A third of the series gets worse at some
hour after the first eight days, for one day: all calls slower (x1.3, x1.6, x2.5), or a tenth more slow
calls, or three tenths. Durations are log-normal for half of the series and a mixture of two kinds of call
(cached and not) for the rest, with a mix that moves from day to day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from tracestore.detectors.histories import DAY_NS, HOUR_NS, LatencyHour

KINDS: Final = ("x1.3", "x1.6", "x2.5", "tail10", "tail30")
START_NS: Final = 20_000 * DAY_NS
SAMPLE: Final = 200


@dataclass
class Series:
    """The hours of one series; `kind` '' is healthy, else it is worse from `since` to `until` (hours)."""

    name: str
    hours: list[LatencyHour]
    kind: str
    since: int
    until: int


def fleet(seed: int, series: int, days: int) -> Iterator[Series]:
    draw = np.random.default_rng(seed)
    for number in range(series):
        kind = str(draw.choice(KINDS)) if draw.random() < 1 / 3 else ""
        since = int(draw.integers(8 * 24, (days - 1) * 24)) if kind else 0
        yield one(draw, f"series {number}", days, kind, since)


def one(draw: np.random.Generator, name: str, days: int, kind: str, since: int) -> Series:
    median, sigma = float(np.exp(draw.uniform(np.log(0.05), np.log(8)))), float(draw.uniform(0.2, 0.9))
    season, phase = float(draw.uniform(0, 0.25)), float(draw.uniform(0, 2 * np.pi))
    day_noise, slow = float(draw.uniform(0.02, 0.12)), float(draw.uniform(0, 0.05))
    volume = float(np.exp(draw.uniform(0, np.log(120))))
    mixed, ratio = draw.random() < 0.5, float(draw.uniform(2, 6))
    until = since + 24
    hours: list[LatencyHour] = []
    for day in range(days):
        shift, fast = draw.normal(0, day_noise), float(np.clip(draw.normal(0.3, 0.08), 0, 1))
        empty_day = draw.random() < 0.04
        for hour in range(24):
            at = day * 24 + hour
            busy = 1 + 0.8 * np.sin(2 * np.pi * hour / 24 + phase)
            calls = 0 if empty_day else int(draw.poisson(volume * busy))
            if calls == 0:
                continue
            n = min(calls, SAMPLE)
            log = np.log(median) + shift + season * np.sin(2 * np.pi * hour / 24 + phase) + draw.normal(0, sigma, n)
            if mixed:
                log -= np.log(ratio) * (draw.random(n) < fast)
            slow_share = slow
            if kind and since <= at < until:
                if kind.startswith("x"):
                    log += np.log(float(kind[1:]))
                else:
                    slow_share += float(kind[4:]) / 100
            log += np.where(draw.random(n) < slow_share, draw.uniform(1.2, 2.5, n), 0.0)
            seconds = tuple(np.exp(log).tolist())
            hours.append(LatencyHour(START_NS + at * HOUR_NS, "agent", "tool", name, calls, seconds))
    return Series(name, hours, kind, since, until)
