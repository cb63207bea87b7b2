"""Runs detectors over the past: to fill in findings (`detect`), or to try settings before they are saved (backtest).

Bounded and in order of time. Runs are read in parts, as the live pass reads them, and judged as finished.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone
from kombu.exceptions import OperationalError

from tracestore import detector_settings, window_detection
from tracestore.clickhouse.detecting import findings, histories, replaying
from tracestore.clickhouse.detecting.looking import Touched
from tracestore.clickhouse.detecting.norms import norms
from tracestore.clickhouse.detecting.trajectories import Trace, Traces
from tracestore.detector_settings import ProjectSettings
from tracestore.detectors.detector import Detector, Norms, TraceDetector, WindowDetector
from tracestore.detectors.finding import Finding
from tracestore.detectors.running import Said, SettingsOf, Tallies, judge, judge_history
from tracestore.detectors.waste import kind_of_money, together
from tracestore.errors import InvalidInput, Overloaded, Unavailable
from tracestore.models import Backtest, Project
from tracestore.moments import nanoseconds, rfc3339

#: Runs that are read at once, that a backtest looks at, and the longest time it may ask about.
PART: Final = 200
MOST_RUNS: Final = 50_000
MOST_DAYS: Final = 31
#: Findings that a backtest lists; it counts all.
LISTED: Final = 100
#: A backtest that told nothing for so long was killed with its worker.
SILENT: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Past:
    """Whose past: runs that began in [since, until) of a project, of one agent where it is named."""

    project: str
    since: datetime
    until: datetime
    agent: str = ""


@dataclass(slots=True)
class Part:
    """What was said of a part of the past: by run, with the runs' starts, or about windows of time."""

    seen: int
    said: dict[Trace, Said] = field(default_factory=dict)
    starts: dict[Trace, int] = field(default_factory=dict)
    windows: list[Finding] = field(default_factory=list)

    @property
    def findings(self) -> list[Finding]:
        return [one for said in self.said.values() for one in said.findings.values()] + self.windows


def over_runs(
    past: Past, detectors: Sequence[TraceDetector], settings_of: SettingsOf, usual: Norms, tallies: Tallies
) -> Iterator[Part]:
    """What detectors of runs say of the past, part by part.

    Raises:
        Unavailable: the store does not answer.
    """
    seen = 0
    for part in replaying.parts(past.project, past.since, past.until, past.agent, PART):
        traces = Traces()
        until_ns = nanoseconds(past.until)
        traces.read([Touched(past.project, trace_id, start, 0, 0, 0) for trace_id, start in part], until_ns)
        made = Part(seen := seen + len(part))
        for trace_id, start in part:
            trace = (past.project, trace_id)
            made.said[trace] = judge(
                traces.trajectory(trace, until_ns, complete=True), detectors, settings_of, usual, tallies
            )
            made.starts[trace] = start
        yield made


def over_windows(
    past: Past, detector: WindowDetector, settings: ProjectSettings, settings_of: SettingsOf, tallies: Tallies
) -> Iterator[Part]:
    """What a detector of windows would have said at each full hour (or day) of the past."""
    moments = window_detection.moments(nanoseconds(past.since), nanoseconds(past.until), detector)
    while histories.refresh(detector.reads, nanoseconds(past.until)):
        pass
    for seen, moment in enumerate(moments, start=1):
        said: list[Finding] = []
        for history in histories.history(detector.reads, past.project, moment):
            for agent, part in window_detection.parts(history, detector, settings):
                if (chosen := settings_of(detector, agent)) is not None:
                    said += judge_history(part, detector, chosen, tallies)
        yield Part(seen, windows=[one for one in said if past.agent in ("", one.agent)])


def fill_in(past: Past, detectors: Sequence[TraceDetector | WindowDetector]) -> Iterator[Part]:
    """Runs detectors over the past with the settings of now and stores what they say. Idempotent."""
    settings = detector_settings.of_project(past.project)
    of_runs = [one for one in detectors if not isinstance(one, WindowDetector)]
    tallies = Tallies()
    if of_runs:
        for part in over_runs(past, of_runs, settings.of, norms(past.project), tallies):
            findings.update(part.said, part.starts)
            yield part
    for detector in detectors:
        if isinstance(detector, WindowDetector):
            for part in over_windows(past, detector, settings, settings.of, tallies):
                findings.store([(past.project, one) for one in part.windows])
                yield part


@dataclass(slots=True)
class Outcome:
    """What a detector would have said: how often, of how many runs, and what was wasted. `findings` are the first."""

    detector: str
    fired: int = 0
    critical: int = 0
    warning: int = 0
    wasted_cost_usd: float = 0.0
    wasted_tokens: int = 0
    failures: int = 0
    failure: str = ""
    cut: bool = False
    findings: list[dict[str, Any]] = field(default_factory=list)

    def sentence(self, past: Past) -> str:
        """In words: how often it would have fired, and what that was about."""
        days = (past.until - past.since) / timedelta(days=1)
        span = f"{days:.0f} days" if days >= 2 else f"{days * 24:.0f} hours"
        times = "once" if self.fired == 1 else f"{self.fired} times"
        return f"would have fired {times} in {span}, {self.wasted_cost_usd:.2f} USD wasted"


@dataclass(slots=True)
class Progress:
    """How far a backtest is, and what it has found."""

    total: int
    seen: int
    outcome: Outcome


def backtest(
    past: Past, detectors: Sequence[TraceDetector | WindowDetector], values: Mapping[str, Any]
) -> Iterator[Progress]:
    """What a detector (all its parts) would have said of the past with these settings; stores nothing. Yields its
    progress.

    Raises:
        InvalidInput: a setting is unknown or impossible, or the time too long.
        Unavailable: the store does not answer.
    """
    check(past)
    settings = detector_settings.chosen(detectors, values)
    outcome = Outcome(detectors[0].id)
    progress = Progress(0, 0, outcome)
    moments = {
        id(part): list(window_detection.moments(nanoseconds(past.since), nanoseconds(past.until), part))
        for part in detectors
        if isinstance(part, WindowDetector)
    }
    progress.total = sum(map(len, moments.values()))
    if len(moments) < len(detectors):
        runs = replaying.count(past.project, past.since, past.until, past.agent)
        progress.total += min(runs, MOST_RUNS)
        outcome.cut = runs > MOST_RUNS
    yield progress
    found: dict[str, Finding] = {}
    done = 0
    for part, chosen in zip(detectors, settings, strict=True):
        tallies = Tallies()
        for made in _over(past, part, chosen, tallies):
            progress.seen = min(done + made.seen, progress.total)
            for one in made.findings:
                found.setdefault(one.identity(past.project), one)
            sums(outcome, list(found.values()))
            yield progress
            if made.seen >= MOST_RUNS:
                break
        done = progress.seen
        tally = tallies.one(part.id)
        outcome.failures += tally.failures
        outcome.failure = tally.failure or outcome.failure


def _over(past: Past, part: TraceDetector | WindowDetector, chosen: Any, tallies: Tallies) -> Iterator[Part]:
    def settings_of(_: Detector, __: str) -> Any:
        return chosen

    if isinstance(part, WindowDetector):
        return over_windows(past, part, ProjectSettings(), settings_of, tallies)
    return over_runs(past, [part], settings_of, norms(past.project), tallies)


def sums(outcome: Outcome, said: Sequence[Finding]) -> None:
    outcome.fired = len(said)
    outcome.critical = sum(one.severity == "critical" for one in said)
    outcome.warning = sum(one.severity == "warning" for one in said)
    outcome.wasted_cost_usd = together((kind_of_money(one.key, one.trace_id), one.wasted_cost_usd) for one in said)
    outcome.wasted_tokens = sum(one.wasted_tokens for one in said)
    outcome.findings = [
        {
            "severity": one.severity, "title": one.title, "agent": one.agent, "trace_id": one.trace_id,
            "first_seen": rfc3339(one.first_seen_ns), "look_first": one.look_first,
            "wasted_cost_usd": one.wasted_cost_usd,
        }
        for one in said[:LISTED]
    ]  # fmt: skip


def check(past: Past) -> None:
    """Raises: InvalidInput, the time is empty or too long."""
    if past.since >= past.until:
        raise InvalidInput("since is not before until: expected an earlier time.", field="since")
    if past.until - past.since > timedelta(days=MOST_DAYS):
        raise InvalidInput(f"Expected at most {MOST_DAYS} days between since and until.", field="since")


def start_backtest(past: Past, detector: str, values: Mapping[str, Any]) -> Backtest:
    """Asks the worker for a backtest in the background.

    Raises:
        NotFound: there is no such detector.
        InvalidInput: as `backtest`.
        Overloaded: one of this project is under way.
        Unavailable: the queue of background work does not answer; nothing was started.
    """
    from tracestore.celery import app

    detector_settings.chosen(detector_settings.parts(detector), values)
    check(past)
    project = Project.every.get_or_create(slug=past.project, defaults={"name": past.project})[0]
    going = Backtest.objects.filter(project=project, state__in=("waiting", "running"))
    if going.filter(told_at__gt=timezone.now() - SILENT).exists():
        raise Overloaded("A backtest is under way. Start the next one when it is done.", retry_after_s=5)
    job = Backtest.objects.create(
        project=project, detector=detector, agent=past.agent, values=dict(values), since=past.since, until=past.until
    )
    try:
        app.send_task("tracestore.backtest", args=[job.pk])
    except (OperationalError, OSError) as error:
        job.delete()
        raise Unavailable("The queue of background work does not answer. Run `manage.py backtest` instead.") from error
    return job
