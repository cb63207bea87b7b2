"""Traces over time as bars: whole numbers for an SVG that is stretched to its place. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tracestore.clickhouse.trace_counts import Volume

HEIGHT: Final = 40
#: Units of width of one bucket, and of the bar in it.
STEP: Final = 10
BAR: Final = 8


@dataclass(frozen=True, slots=True)
class Bar:
    """`top` and `height` of the whole, `failed` of its lower part that is errors."""

    x: int
    top: int
    height: int
    failed_top: int
    failed: int


@dataclass(frozen=True, slots=True)
class Chart:
    bars: list[Bar]
    width: int
    most: int
    total: int
    failed: int


def chart(volume: Volume) -> Chart:
    """One bar for each bucket that has a trace, none of them lower than one unit."""
    most = max(volume.traces, default=0)
    bars = []
    for number, (traces, errors) in enumerate(zip(volume.traces, volume.errors, strict=True)):
        if traces:
            height, failed = scaled(traces, most), min(scaled(errors, most), scaled(traces, most))
            bars.append(Bar(number * STEP, HEIGHT - height, height, HEIGHT - failed, failed))
    return Chart(bars, max(1, len(volume.traces)) * STEP, most, sum(volume.traces), sum(volume.errors))


def scaled(count: int, most: int) -> int:
    return max(1, round(count * HEIGHT / most)) if count else 0
