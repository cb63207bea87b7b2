"""The state of an agent from what was found of it. Pure.

A state is the worst that any part says; parts are never averaged into one number, because they cannot be
compared. It becomes worse at once and better only after two clean windows (`settled`), so that an agent
at the edge does not flicker.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

#: From best to worst; `unknown` is no level: too little ran to say anything.
LEVELS: Final = ("healthy", "suspect", "degraded", "critical")

#: Share of the hour's runs with a critical finding above which an agent is critical.
CRITICAL_SHARE: Final = 0.05
#: Share of the hour's runs with a warning above which it is degraded.
WARNING_SHARE: Final = 0.2
#: Fewer runs in a day say nothing.
FEWEST_RUNS: Final = 5
#: A state improves when it was better for two windows of so many minutes.
WINDOW_MINUTES: Final = 5


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found of an agent. Of runs: by detector, how many of the last hour's runs have a finding of that
    severity. Of windows of time: the titles of findings of the last 24 hours (critical ones: of 2 hours) by detector.
    """

    runs_hour: int = 0
    runs_day: int = 0
    critical_runs: Mapping[str, int] = field(default_factory=dict)
    warning_runs: Mapping[str, int] = field(default_factory=dict)
    critical_windows: Mapping[str, str] = field(default_factory=dict)
    warning_windows: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judged:
    """A state with its reasons, and what must come true for the agent to be healthy again."""

    state: str
    reasons: tuple[str, ...] = ()
    healthy_again: tuple[str, ...] = ()


def judge(seen: Seen) -> Judged:
    """The state by what was seen, without regard to what it was before."""
    said: list[tuple[int, str, str]] = []
    runs = max(1, seen.runs_hour)
    for detector, number in sorted(seen.critical_runs.items()):
        share = number / runs
        said.append((
            3 if share > CRITICAL_SHARE else 2,
            f"{detector}: {number} of {seen.runs_hour} runs of the last hour ({share:.0%})",
            f"{detector}: no run of an hour with a critical finding",
        ))  # fmt: skip
    for detector, number in sorted(seen.warning_runs.items()):
        share = number / runs
        said.append((
            2 if share > WARNING_SHARE else 1,
            f"{detector}: warnings in {number} of {seen.runs_hour} runs of the last hour ({share:.0%})",
            f"{detector}: no run of an hour with a warning",
        ))  # fmt: skip
    for detector, title in sorted(seen.critical_windows.items()):
        said.append((3, f"{detector}: {title}", f"{detector}: not found again for 2 hours, then watched for 24"))
    for detector, title in sorted(seen.warning_windows.items()):
        said.append((2, f"{detector}: {title}", f"{detector}: not found again for 24 hours"))
    if said:
        said.sort(key=lambda one: -one[0])
        return Judged(LEVELS[said[0][0]], tuple(one[1] for one in said), tuple(one[2] for one in said))
    if seen.runs_day < FEWEST_RUNS:
        few = (
            "1 run in the last 24 hours is" if seen.runs_day == 1 else f"{seen.runs_day} runs in the last 24 hours are"
        )
        few += " too few to say"
        return Judged("unknown", (few,), (f"at least {FEWEST_RUNS} runs in 24 hours without a finding",))
    return Judged("healthy")


def settled(now: Judged, before: Sequence[tuple[str, Sequence[str]]]) -> Judged:
    """The state to show: as it is now, or as bad as it was within the last two windows.

    `before` are the states by what was seen (`judge`) of these windows with their reasons, oldest first.
    """
    level = level_of(now.state)
    worst = max(before, key=lambda one: level_of(one[0]), default=("", ()))
    if level_of(worst[0]) <= level:
        return now
    minutes = 2 * WINDOW_MINUTES
    return Judged(
        worst[0], tuple(worst[1]), (*now.healthy_again, f"nothing like it for {minutes} minutes"),
    )  # fmt: skip


def level_of(state: str) -> int:
    """0 is best; `unknown` counts as healthy here, since it alone makes nothing worse."""
    return LEVELS.index(state) if state in LEVELS else 0


def worst(states: Iterable[str]) -> str:
    """The worst of some states; `unknown` when there is none."""
    return max(states, key=level_of, default="unknown")
