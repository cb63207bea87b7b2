"""What a soak's samples say: trends, checks, and the table. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

MIB: Final = 1 << 20
#: A second half that is shorter says nothing about memory: caches are still being filled.
JUDGED_S: Final = 480.0
#: Points that a slope is taken of at most: it looks at every pair.
MOST_POINTS: Final = 400


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The median of the slopes of all pairs (Theil 1950, Sen 1968): a third of the points may lie anywhere."""
    if len(points) > MOST_POINTS:
        points = points[:: -(-len(points) // MOST_POINTS)]
    slopes = [
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for number, earlier in enumerate(points)
        for later in points[number + 1 :]
        if later[0] != earlier[0]
    ]
    return statistics.median(slopes) if slopes else 0.0


def second_half(samples: Sequence[Mapping[str, Any]], name: str) -> list[tuple[float, float]]:
    """(seconds, figure) of the samples from half of the time on; those that do not know the figure left out."""
    if not samples:
        return []
    middle = (samples[0]["at"] + samples[-1]["at"]) / 2
    return [(one["at"], one[name]) for one in samples if one["at"] >= middle and one.get(name) is not None]


def percentile(values: Iterable[float], share: float) -> float:
    found = sorted(values)
    return found[min(int(len(found) * share), len(found) - 1)] if found else 0.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What a soak may show at most. Memory in MiB an hour, lags in s."""

    memory_slope: float = 200.0
    lag: float = 60.0


@dataclass(frozen=True, slots=True)
class Counted:
    """The end of a soak, in spans unless the name says otherwise."""

    sent: int
    acknowledged: int
    given_up_requests: int
    ledger: Mapping[str, int]
    missing: int
    doubled: int
    log_errors: int
    restarts: int
    jobs_failed: int


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    passed: bool
    said: str


def checks(
    samples: Sequence[Mapping[str, Any]], answers: Mapping[str, Mapping[str, Any]], counted: Counted, limits: Limits
) -> list[Check]:
    """Every promise of a soak, held against what was seen. `answers` as `Answers.summary` gives them."""
    settled = second_half(samples, "memory")
    hourly = slope(settled) * 3600 / MIB
    long_enough = bool(settled) and settled[-1][0] - settled[0][0] >= JUDGED_S
    lags = {name: [one[name] for one in samples if one.get(name) is not None] for name in ("settling", "detection")}
    ledger = dict(counted.ledger)
    told = sum(ledger.values()) - ledger.get("received", 0)
    errors = sum(int(one["errors"]) for one in answers.values())
    asked = sum(int(one["count"]) for one in answers.values())
    return [
        Check(
            "memory is flat (second half)", hourly <= limits.memory_slope or not long_enough,
            f"{hourly:+.0f} MiB an hour, at most {limits.memory_slope:.0f} allowed"
            + ("" if long_enough else "; not judged: that half is too short"),
        ),
        *(
            Check(
                f"{name} lag is bounded", bool(seen) and max(seen) <= limits.lag,
                f"most {max(seen, default=0):.1f} s, p50 {percentile(seen, 0.5):.1f} s, at most {limits.lag:.0f} s allowed",
            )
            for name, seen in lags.items()
        ),
        Check(
            "everything sent was acknowledged", counted.sent == counted.acknowledged and not counted.given_up_requests,
            f"{counted.sent:,} sent, {counted.acknowledged:,} acknowledged, {counted.given_up_requests} requests given up",
        ),
        Check(
            "the ledger balances", ledger.get("received") == told and not ledger.get("rejected"),
            ", ".join(f"{name} {number:,}" for name, number in ledger.items()),
        ),
        Check(
            "the store holds what was acknowledged, once", not counted.missing and not counted.doubled,
            f"{counted.missing} missing, {counted.doubled} too many",
        ),
        Check("every page and question was answered", not errors and asked > 0, f"{errors} errors of {asked:,}"),
        Check("no error in the logs", not counted.log_errors, f"{counted.log_errors} lines"),
        Check("no process was started again", not counted.restarts, f"{counted.restarts} restarts"),
        Check("no job failed", not counted.jobs_failed, f"{counted.jobs_failed} failed runs"),
    ]  # fmt: skip


def markdown(found: Mapping[str, Any]) -> str:
    """The report as Markdown tables: how it went, the checks, what was asked, memory by process."""
    lines = [
        f"{found['minutes']:.0f} minutes at {found['rate']:,.0f} realistic spans/s ({found['rate_from']}), {found['machine']}.",
        "",
        "| what | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in found["figures"].items()),
        "",
        "| check | result | seen |",
        "|---|---|---|",
        *(
            f"| {one['name']} | {'holds' if one['passed'] else '**fails**'} | {one['said']} |"
            for one in found["checks"]
        ),
        "",
        "| asked | times | errors | p50 | p95 | most |",
        "|---|---|---|---|---|---|",
        *(
            f"| {name} | {one['count']:,} | {one['errors']} | {one['p50_ms']:.0f} ms | {one['p95_ms']:.0f} ms | {one['most_ms']:.0f} ms |"
            for name, one in found["answers"].items()
        ),
        "",
        "| process | memory (PSS) at the start | at the end | most | slope, second half |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {one['first']:.0f} MiB | {one['last']:.0f} MiB | {one['most']:.0f} MiB | {one['slope']:+.0f} MiB/h |"
            for name, one in found["memory"].items()
        ),
    ]
    return "\n".join(lines) + "\n"


def memory(samples: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """By process, in MiB: at the first and last sample, the most, and the slope of the second half an hour."""
    names = [name for name in samples[0] if name == "memory" or name.startswith("memory_")] if samples else []
    found = {}
    for name in names:
        seen = [one[name] / MIB for one in samples]
        found[name.removeprefix("memory_") if name != "memory" else "all"] = {
            "first": seen[0],
            "last": seen[-1],
            "most": max(seen),
            "slope": slope(second_half(samples, name)) * 3600 / MIB,
        }
    return found
