"""How good `latency_regression` is on a generated fleet, beside the rule "p95 over 1.5 times the usual".

python -m benchmarks.latency_detection --seed 11 --series 150 --days 16
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict

import numpy as np

from benchmarks.fleets.latency import START_NS, Series, fleet
from tracestore.detectors.histories import HOUR_NS, LatencyHour, LatencyHours
from tracestore.detectors.latency_regression import LATENCY_REGRESSION as DETECTOR

#: Series that one agent has, for "a month of an agent".
SERIES_OF_AGENT = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--series", type=int, default=150)
    parser.add_argument("--days", type=int, default=16)
    options = parser.parse_args()
    series = list(fleet(options.seed, options.series, options.days))
    report = {}
    for name, rule in (("latency_regression", ours), ("p95 > 1.5 x", plain)):
        alarms = rule(series, options.days)
        report[name] = judged(series, alarms, options.days)
    print(json.dumps(report, indent=2))


def ours(series: list[Series], days: int) -> dict[str, list[int]]:
    found: defaultdict[str, list[int]] = defaultdict(list)
    for hour in range(8 * 24, days * 24):
        now = START_NS + hour * HOUR_NS
        rows = tuple(row for one in series for row in one.hours if now - 8 * 24 * HOUR_NS <= row.hour_ns < now)
        for finding in DETECTOR.detect(LatencyHours("fleet", now, rows), DETECTOR.defaults):
            found[finding.key.removeprefix("tool ")].append(hour)
    return found


def plain(series: list[Series], days: int) -> dict[str, list[int]]:
    found: defaultdict[str, list[int]] = defaultdict(list)
    for one in series:
        by_hour: dict[int, LatencyHour] = {(row.hour_ns - START_NS) // HOUR_NS: row for row in one.hours}
        for hour in range(8 * 24, days * 24):
            row = by_hour.get(hour - 1)
            if row is None or len(row.seconds) < 20:
                continue
            past = [s for h in range(hour - 1 - 7 * 24, hour - 1) if h in by_hour for s in by_hour[h].seconds]
            if len(past) >= 60 and np.quantile(row.seconds, 0.95) > 1.5 * np.quantile(past, 0.95):
                found[one.name].append(hour)
    return found


def judged(series: list[Series], alarms: dict[str, list[int]], days: int) -> dict[str, object]:
    """False alarms a month of an agent (repeats within 24 h are one), recall and delay by kind."""
    false, months = 0, 0.0
    hit: defaultdict[str, list[int | None]] = defaultdict(list)
    for one in series:
        inside = range(one.since + 1, one.until + 24) if one.kind else range(0)
        last = -100
        for hour in alarms.get(one.name, []):
            if hour not in inside and hour - last >= 24:
                false += 1
                last = hour
        months += (days - 8) / 30 / SERIES_OF_AGENT
        if one.kind:
            first = next((hour for hour in alarms.get(one.name, []) if one.since < hour <= one.until), None)
            hit[one.kind].append(None if first is None else first - one.since)
    return {
        "false_alarms_per_agent_month": round(false / months, 3),
        "recall": {
            kind: round(sum(x is not None for x in found) / len(found), 2) for kind, found in sorted(hit.items())
        },
        "n": {kind: len(found) for kind, found in sorted(hit.items())},
        "median_delay_h": {
            kind: float(np.median([x for x in found if x is not None])) if any(found) else None
            for kind, found in sorted(hit.items())
        },
    }


if __name__ == "__main__":
    main()
