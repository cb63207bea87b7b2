"""Detection over windows of time: counts histories and lets each detector judge when its turn has come.

A tick that was missed for less than a day is made up for, hour by hour; what is older, `manage.py detect`
does. A finding about a window stays: it says what was so then.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog

from tracestore import closed, detector_runs
from tracestore.clickhouse.detecting import findings, histories, looking
from tracestore.detector_settings import ProjectSettings, of_project
from tracestore.detectors import registry
from tracestore.detectors.detector import WindowDetector
from tracestore.detectors.finding import Finding
from tracestore.detectors.histories import DAY_NS, HOUR_NS, RunTexts
from tracestore.detectors.running import Tallies, judge_history
from tracestore.moments import nanoseconds

log = structlog.get_logger(__name__)

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: How long one pass goes on counting a past that is missing: an import should be judged within minutes.
COUNTING_SECONDS: Final = 60.0
#: Missed hours that are made up for.
MOST_MISSED: Final = 24


def judge_due(now: datetime, detectors: Sequence[WindowDetector] | None = None) -> int:
    """Refreshes the histories that due detectors read and lets these judge; gives the number of findings.

    A detector is due after its time, and when a past was imported that it has not seen.

    Raises:
        Unavailable: the store does not answer; what is due stays due.
    """
    made = 0
    refreshed: dict[type, bool] = {}
    came: dict[type, bool] = {}
    counted_until = time.monotonic() + COUNTING_SECONDS
    now_ns = nanoseconds(now)
    for detector in registry.window_detectors() if detectors is None else detectors:
        # Of its own: several detectors of windows may share an id.
        job = f"judged {detector.id} {detector.reads.__name__}"
        until = looking.looked_until(job)
        judged = EPOCH + timedelta(microseconds=until) if until else None
        if detector.reads not in came:
            came[detector.reads] = histories.past_came(detector.reads, now_ns)
        if judged is not None and now - judged < detector.every and not came[detector.reads]:
            continue
        if detector.reads not in refreshed:
            refreshed[detector.reads] = histories.refresh(detector.reads, now_ns)
            while refreshed[detector.reads] and time.monotonic() < counted_until:
                refreshed[detector.reads] = histories.refresh(detector.reads, now_ns)
        if refreshed[detector.reads]:
            continue  # its past is still being counted: a judgement over a part of it would be wrong
        for project in sorted(set(histories.projects(detector.reads, now_ns)) - closed.slugs()):
            settings = of_project(project)
            for moment in ticks(judged, now, detector.every):
                made += judge_at(project, detector, settings, nanoseconds(moment))
        looking.mark(job, now_ns // 1_000)
    return made


def ticks(judged: datetime | None, now: datetime, every: timedelta) -> Iterator[datetime]:
    """When a detector judges now: at the full hours that it missed (or its own longer period), then at this moment."""
    if judged is not None:
        period = max(every, timedelta(hours=1))
        missed: list[datetime] = []
        moment = now.replace(minute=0, second=0, microsecond=0)
        while moment - period > judged and len(missed) < MOST_MISSED and now - moment < timedelta(days=1):
            missed.append(moment)
            moment -= period
        yield from reversed(missed)
    yield now


def judge_at(project: str, detector: WindowDetector, settings: ProjectSettings, now_ns: int) -> int:
    """Judges one project at one moment and stores what is found; gives the number of findings."""
    tallies = Tallies()
    said = said_at(project, detector, settings, now_ns, tallies)
    tallies.one(detector.id).findings += len(said)
    findings.store([(project, finding) for finding in said])
    detector_runs.count(tallies)
    return len(said)


def said_at(
    project: str, detector: WindowDetector, settings: ProjectSettings, now_ns: int, tallies: Tallies
) -> list[Finding]:
    """What a detector says of a project's histories as they were at a moment."""
    said: list[Finding] = []
    for history in histories.history(detector.reads, project, now_ns):
        for agent, part in parts(history, detector, settings):
            chosen = settings.of(detector, agent)
            if chosen is not None:
                said += judge_history(part, detector, chosen, tallies)
    return said


def parts(history: Any, detector: WindowDetector, settings: ProjectSettings) -> Iterator[tuple[str, Any]]:
    """A history as it is judged: agents with settings of their own each apart, all others together ('')."""
    if isinstance(history, RunTexts):
        yield history.agent, history
        return
    own = {agent for name, agent in settings.choices if name == detector.id and agent}
    if not own:
        yield "", history
        return
    for agent in ("", *sorted(own)):
        rows = tuple(row for row in history.rows if (agent_of(row) if agent_of(row) in own else "") == agent)
        if rows:
            yield agent, replace(history, rows=rows)


def agent_of(row: Any) -> str:
    """The agent that a row of a history is about; '' when it is about something else."""
    return row.name if getattr(row, "kind", "") == "agent" else getattr(row, "agent", "")


def moments(since_ns: int, until_ns: int, detector: WindowDetector) -> Iterable[int]:
    """When a detector would have judged between two moments: hourly at the most often, at full hours or days."""
    period = DAY_NS if detector.every >= timedelta(days=1) else HOUR_NS
    first = -(-since_ns // period) * period
    return range(first, until_ns + 1, period)
