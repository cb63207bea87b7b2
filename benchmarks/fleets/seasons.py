"""The rhythm of traffic: hours of the day, days of the week, gaps, and noise that remembers the hour before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def season(random: np.random.Generator, hours: int) -> Floats:
    """Relative traffic by hour, mean about 1: a bump in the day (or flat), and quieter or silent week-ends."""
    clock = np.arange(hours) % 24
    weekday = (np.arange(hours) // 24) % 7
    depth = random.choice([0.0, 0.5, 0.8, 0.95], p=[0.2, 0.3, 0.35, 0.15])
    peak, width = random.uniform(0, 24), random.uniform(3, 6)
    away = np.minimum((clock - peak) % 24, (peak - clock) % 24)
    shape = 1 - depth + depth * np.exp(-0.5 * (away / width) ** 2)
    weekend = random.choice([1.0, 0.6, 0.25, 0.02], p=[0.3, 0.3, 0.25, 0.15])
    shape = shape * np.where(weekday >= 5, weekend, 1.0)
    return np.asarray(shape / shape.mean(), dtype=np.float64)


def remembering_noise(random: np.random.Generator, hours: int, sd: float, memory: float) -> Floats:
    """Log-normal factors of mean about 1 whose logs are an AR(1) process of standard deviation `sd`."""
    steps = random.normal(0, sd * np.sqrt(1 - memory**2), hours)
    log = np.empty(hours)
    log[0] = random.normal(0, sd)
    for hour in range(1, hours):
        log[hour] = memory * log[hour - 1] + steps[hour]
    return np.asarray(np.exp(log - sd**2 / 2), dtype=np.float64)


def day_noise(random: np.random.Generator, hours: int, sd: float) -> Floats:
    """One normal deviate per day, repeated for its hours."""
    return np.repeat(random.normal(0, sd, hours // 24 + 1), 24)[:hours]


def gaps(random: np.random.Generator, hours: int, *, late: float, first_days: int) -> NDArray[np.bool_]:
    """True where nothing was recorded: missing days, missing hours, and (with chance `late`) the time before a late start.

    A late start is at least `first_days` after the beginning.
    """
    missing = np.zeros(hours, dtype=bool)
    if random.random() < 0.15:
        for _ in range(random.integers(1, 3)):
            day = random.integers(0, hours // 24)
            missing[day * 24 : day * 24 + 24] = True
    if random.random() < 0.3:
        for _ in range(random.integers(1, 4)):
            start = random.integers(0, hours)
            missing[start : start + random.integers(1, 9)] = True
    if random.random() < late:
        missing[: random.integers(first_days * 24, hours - 5 * 24)] = True
    return missing
