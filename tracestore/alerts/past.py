"""What a rule would have told in the past: for previews, before it is saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from tracestore.alerts import finding_rules
from tracestore.alerts.conditions import metrics
from tracestore.alerts.conditions.condition import Condition, FindingsCondition, MetricCondition, SearchCondition
from tracestore.alerts.conditions.history import judge_history
from tracestore.alerts.conditions.judging import SHORT_PART, Observation, measure
from tracestore.alerts.searched import search_of
from tracestore.clickhouse import trace_list
from tracestore.clickhouse.alerting import problems, searches, series
from tracestore.clickhouse.alerting.figures import Figures
from tracestore.clickhouse.alerting.said import Problem, Said
from tracestore.moments import nanoseconds

#: Windows that are looked at, the newest: seven days of a quarter of an hour each, and a bit.
MOST_WINDOWS: Final = 700
MOST_FIRINGS: Final = 500
MOST_EXAMPLES: Final = 5


@dataclass(frozen=True, slots=True)
class Firing:
    """From when until when it would have fired (`end` None: it still would), for which labels. `peak` is the worst
    figure (of findings: how many), `examples` are trace ids.
    """

    labels: Mapping[str, str]
    start: datetime
    end: datetime | None
    peak: float | None
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Point:
    """The worst figure of all groups in the window that ends then."""

    at: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Past:
    """The firings, the oldest first. It was looked back to `since` only (later than asked if that would be more than
    `MOST_WINDOWS` windows); figures are of windows of `step_s` one after the other. `complete`: nothing was left out.
    """

    firings: list[Firing]
    since: datetime
    until: datetime
    step_s: int = 0
    points: list[Point] = field(default_factory=list)
    groups: int = 0
    complete: bool = True


def firings(
    project_slug: str, condition: Condition, hold_s: int, keep_firing_s: int, since: datetime, until: datetime
) -> Past:
    """What a rule with this condition would have told between two moments.

    Windows follow each other without overlap, where a rule in force looks at one that ends now, more often: a short
    peak that lies on a border may be missed. Findings are as they are known today.

    Raises:
        InvalidInput: the search, or the view it follows, is none.
        Unavailable: the store does not answer.
    """
    if isinstance(condition, FindingsCondition):
        return _of_findings(project_slug, condition, hold_s, keep_firing_s, since, until)
    step = condition.window_s
    number = min(MOST_WINDOWS, max(1, int((until - since).total_seconds() // step)))
    begun = until - timedelta(seconds=step * number)
    seen = (
        _metric_series(project_slug, condition, begun, number)
        if isinstance(condition, MetricCondition)
        else _search_series(project_slug, condition, begun, number)
    )
    ends = [begun + timedelta(seconds=step * (place + 1)) for place in range(number)]
    found: list[Firing] = []
    for group in seen:
        points = list(zip(ends, group.observations, strict=True))
        for one in judge_history(condition, points, hold_s=hold_s, keep_firing_s=keep_firing_s):
            place = ends.index(one.at)
            found.append(Firing(group.labels, one.start, one.end, one.peak, group.examples.get(place, ())))
    found.sort(key=lambda one: one.start)
    asked = begun <= since + timedelta(seconds=step)
    return Past(
        found[-MOST_FIRINGS:], begun, until, step, _points(condition, ends, seen), len(seen),
        asked and len(found) <= MOST_FIRINGS,
    )  # fmt: skip


@dataclass(slots=True)
class _Group:
    labels: Mapping[str, str]
    observations: list[Observation]
    examples: dict[int, tuple[str, ...]]


def _metric_series(project: str, condition: MetricCondition, begun: datetime, number: int) -> list[_Group]:
    parts = SHORT_PART if condition.compare == "burn_rate" and condition.window_s % SHORT_PART == 0 else 1
    width = condition.window_s * series.SECOND // parts
    origin = nanoseconds(begun) - width * parts
    read = series.read(
        metrics.family(condition), metrics.dimensions(condition), [project], origin, width, (number + 1) * parts
    )
    found: list[_Group] = []
    for (_, values), buckets in read.items():
        labels = metrics.kept(condition, values)
        if labels is None:
            continue
        windows = [
            _together([buckets.get(place * parts + part) for part in range(parts)]) for place in range(number + 1)
        ]
        last = [buckets.get(place * parts + parts - 1) for place in range(number + 1)]
        group = _Group(labels, [], {})
        for place in range(1, number + 1):
            figures = windows[place]
            group.observations.append(metrics.observation(condition.metric, figures, windows[place - 1], last[place]))
            if figures is not None:
                shown = dict.fromkeys(one.trace_id for one in metrics.examples(condition.metric, figures))
                group.examples[place - 1] = tuple(shown)[:MOST_EXAMPLES]
        found.append(group)
    return found


def _together(parts: Sequence[Figures | None]) -> Figures | None:
    """One window of its parts: what is added up. Quantiles are not, so they come of one part only."""
    there = [one for one in parts if one is not None]
    if len(there) < 2:
        return there[0] if there else None
    return replace(
        there[-1], volume=sum(one.volume for one in there), failed=sum(one.failed for one in there),
        failures=tuple(example for one in there for example in one.failures)[:MOST_EXAMPLES],
    )  # fmt: skip


def _search_series(project: str, condition: SearchCondition, begun: datetime, number: int) -> list[_Group]:
    by_agent = "agent" in condition.by
    rows = searches.counted(
        project, search_of(project, condition), trace_list.opened(project), begun, condition.window_s, number,
        by_agent=by_agent,
    )  # fmt: skip
    groups: dict[str, _Group] = {}
    if not by_agent:
        groups[""] = _Group({}, [Observation(0.0)] * number, {})
    for row in rows:
        labels = {"agent": row.agent} if by_agent else {}
        group = groups.setdefault(row.agent, _Group(labels, [Observation(0.0)] * number, {}))
        if 0 <= row.bucket < number:
            group.observations[row.bucket] = Observation(float(row.traces), row.traces)
            group.examples[row.bucket] = tuple(row.latest)
    return list(groups.values())


def _points(
    condition: MetricCondition | SearchCondition, ends: Sequence[datetime], seen: Sequence[_Group]
) -> list[Point]:
    pick = min if condition.compare.endswith("below") else max
    found: list[Point] = []
    for place, at in enumerate(ends):
        values = [value for one in seen if (value := measure(condition, one.observations[place])) is not None]
        if values:
            found.append(Point(at, pick(values)))
    return found


def _of_findings(
    project: str, condition: FindingsCondition, hold_s: int, keep_firing_s: int, since: datetime, until: datetime
) -> Past:
    known, complete = problems.past(project, since, until)
    found = [
        one for problem in known.values() for one in _stretches(condition, problem, hold_s, keep_firing_s, until)
    ]  # fmt: skip
    found.sort(key=lambda one: one.start)
    return Past(
        found[-MOST_FIRINGS:], since, until, groups=len({tuple(sorted(one.labels.items())) for one in found}),
        complete=complete and len(found) <= MOST_FIRINGS,
    )  # fmt: skip


def _stretches(
    condition: FindingsCondition, problem: Problem, hold_s: int, keep_firing_s: int, until: datetime
) -> list[Firing]:
    """As alerts of a problem would have followed its findings, one after the other."""
    keep = timedelta(seconds=keep_firing_s)
    if not finding_rules.about_runs(problem):
        keep = max(keep, finding_rules.WINDOWS_KEEP)
    found: list[Firing] = []
    of_stretch: list[Said] = []
    start: datetime | None = None
    told_until: datetime | None = None
    window = timedelta(seconds=condition.window_s)
    recent: list[Said] = []

    def close(start: datetime, end: datetime | None) -> None:
        last = of_stretch[-1].seen + keep
        if last - start >= timedelta(seconds=hold_s):
            traces = dict.fromkeys(one.trace_id for one in reversed(of_stretch) if one.trace_id)
            labels = finding_rules.labels(problem, finding_rules.worst(of_stretch))
            begun = start + timedelta(seconds=hold_s)
            found.append(Firing(labels, begun, end, float(len(of_stretch)), tuple(traces)[:MOST_EXAMPLES]))

    for said in sorted(finding_rules.matching(condition, problem), key=lambda one: (one.seen, one.id)):
        if start is not None and said.seen - of_stretch[-1].seen > keep:
            close(start, of_stretch[-1].seen + keep)
            start, told_until = None, of_stretch[-1].seen
        recent = [one for one in recent if one.seen > said.seen - window]
        recent.append(said)
        if start is not None:
            of_stretch.append(said)
        elif finding_rules.met(condition, recent, said.seen):
            start = said.seen
            of_stretch = [one for one in recent if told_until is None or one.seen > told_until]
    if start is not None:
        end = of_stretch[-1].seen + keep
        close(start, end if end <= until else None)
    return found
