"""Rules over findings, all projects at once: what is new is read, then what counts of each problem that it is about.

A problem makes at most one alert: the rule of the highest severity whose condition holds takes it (of equals the
older rule), and keeps it while its alert goes on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from tracestore.alerts import alert_states, finding_rules, rule_book
from tracestore.alerts import facts as facts_of
from tracestore.alerts.alert_states import Told
from tracestore.alerts.conditions.standing import begun, ended, step
from tracestore.alerts.models import Alert, AlertWatermark
from tracestore.alerts.rule_book import FindingsRule
from tracestore.alerts.severities import rank, worst
from tracestore.alerts.what_changed import BACK, sentences
from tracestore.clickhouse.alerting import problems as store
from tracestore.clickhouse.alerting.problems import First, Key, Watched
from tracestore.clickhouse.alerting.said import Problem, RunSeen, Said
from tracestore.moments import EARLIEST, moment, nanoseconds

WATERMARK: Final = "alert_findings"
#: Findings show up a little after the moment that their version says.
OVERLAP_NS: Final = 10 * 10**9
#: At the very first pass, and for a new rule: what is older is history.
FIRST: Final = timedelta(hours=1)
#: Evidence so old came late: whether later runs are without it is asked before it is told.
LATE: Final = timedelta(minutes=5)
LEAST_FRESH: Final = timedelta(seconds=300)
#: Runs that are asked for in one pass, and of one problem.
MOST_RUNS: Final = 5_000
MOST_RUNS_OF_ONE: Final = 500
#: When nothing happens it is noted so often that the rules were looked at.
NOTED_EVERY: Final = timedelta(seconds=60)


@dataclass(slots=True)
class _Pass:
    """What one pass works with. `active`: problem → rule → its alert that is pending or firing."""

    now: datetime
    rules: dict[str, list[FindingsRule]]
    active: dict[Key, dict[int, Alert]]
    new: set[Key] = field(default_factory=set)
    problems: dict[Key, Problem] = field(default_factory=dict)
    runs: dict[Key, RunSeen] = field(default_factory=dict)
    clean: dict[Key, int] = field(default_factory=dict)
    firsts: dict[tuple[str, str], list[First]] | None = None


def evaluate(rules: Sequence[FindingsRule], alerts: Sequence[Alert], now: datetime) -> int:
    """Judges what is new and what goes on; `alerts` are those of these rules that are pending or firing.

    Returns how many alerts it changed.

    Raises:
        Unavailable: the store does not answer; the next pass begins where this one did.
    """
    if not rules:
        return 0
    by_project: dict[str, list[FindingsRule]] = defaultdict(list)
    for rule in sorted(rules, key=lambda one: (-rank(one.row.severity), one.row.pk)):
        by_project[rule.project].append(rule)
    slugs = {rule.row.pk: rule.project for rule in rules}
    active: dict[Key, dict[int, Alert]] = defaultdict(dict)
    for alert in alerts:
        active[slugs[alert.rule_id], alert.labels.get("problem", "")][alert.rule_id] = alert
    this = _Pass(now, dict(by_project), dict(active))
    read_until = _watermark()
    touched, until = _touched(this, read_until)
    keys = touched | set(this.active)
    changed = 0
    if keys:
        _read(this, keys)
        changed = sum(_judge(this, key) for key in sorted(keys))
    # When all is written: a pass that was cut off is done again.
    if until != read_until:
        AlertWatermark.objects.update_or_create(name=WATERMARK, defaults={"value": until})
    noted = [one for one in rules if one.fresh() or one.row.failure or _ago(one, now) >= NOTED_EVERY]
    if noted:
        rule_book.done(noted, now)
    return changed


def _ago(rule: FindingsRule, now: datetime) -> timedelta:
    return now - rule.row.evaluated_at if rule.row.evaluated_at else NOTED_EVERY


def _watermark() -> int:
    return AlertWatermark.objects.filter(name=WATERMARK).values_list("value", flat=True).first() or 0


def _touched(this: _Pass, read_until: int) -> tuple[set[Key], int]:
    """The problems to look at, and the new watermark (ns): all that was written earlier has been read.

    It is moved beyond what was read last, so that a quiet store is asked in vain only, and without a write.
    """
    now_ns = nanoseconds(this.now)
    first = now_ns - nanoseconds(moment(0) + FIRST)
    after = read_until - OVERLAP_NS if read_until else first
    fresh = [project for project, rules in this.rules.items() if any(rule.fresh() for rule in rules)]
    windows = [rule.condition.window_s for project in fresh for rule in this.rules[project] if rule.fresh()]
    earlier = now_ns - max(windows, default=0) * 10**9
    rows = store.touched(after, fresh, earlier)
    written = [row.version for row in rows]
    this.new = {(row.project, row.fingerprint) for row in rows if row.version >= after} if read_until else set()
    keys = {(row.project, row.fingerprint) for row in rows if row.fingerprint and row.project in this.rules}
    latest = max(written, default=0)
    if latest and now_ns - latest > OVERLAP_NS:
        latest += OVERLAP_NS + 1
    return keys, max(read_until, latest) or first


def _read(this: _Pass, keys: Collection[Key]) -> None:
    """What counts of the problems, their runs, and whether later runs are without them."""
    rules = [rule for of in this.rules.values() for rule in of]
    window = timedelta(seconds=max(rule.condition.window_s for rule in rules))
    starts_of_alerts = [alert.since for of in this.active.values() for alert in of.values()]
    this.problems = store.problems(keys, min([this.now, *starts_of_alerts]) - window)
    wanted: set[Key] = set()
    starts: list[int] = []
    for (project, _), problem in this.problems.items():
        traces = dict.fromkeys(one.trace_id for one in problem.findings if one.trace_id)
        if len(wanted) < MOST_RUNS:
            wanted |= {(project, trace_id) for trace_id in list(traces)[:MOST_RUNS_OF_ONE]}
            starts.append(min(one.first_ns for one in problem.findings))
    day = nanoseconds(moment(0) + timedelta(days=1))
    this.runs = store.runs(wanted, min(starts, default=0) - day, this.now)
    watched = [
        Watched(*key, problem.agent, max(one.last_ns for one in problem.findings))
        for key, problem in this.problems.items()
        if (key in this.active or _came_late(problem, this.now))
        and finding_rules.about_runs(problem)
        and not _going(this, problem.project, problem.findings)
    ]
    this.clean = store.clean_runs(watched)


def _came_late(problem: Problem, now: datetime) -> bool:
    """Whether its evidence is of a while ago, as what an import brings."""
    return now - moment(max(one.last_ns for one in problem.findings)) > LATE


def _going(this: _Pass, project: str, found: Sequence[Said]) -> bool:
    return any((run := this.runs.get((project, one.trace_id))) is not None and run.goes_on for one in found)


def _judge(this: _Pass, key: Key) -> int:
    """Which rule takes the problem, and what becomes of its alert and of those of the others."""
    project, _ = key
    problem, active = this.problems.get(key), this.active.get(key, {})
    taken, changed = False, 0
    for rule in this.rules.get(project, ()):
        alert = active.get(rule.row.pk)
        found = _matching(rule, problem) if problem is not None and not taken else ()
        if problem is not None and found and (alert or _begins(this, rule, key, found)):
            if alert is None:
                taken = _begin(this, rule, problem, found)
                changed += taken
                continue
            goes_on = not _over(this, rule, problem, found)
            taken = goes_on
            changed += _go_on(this, rule, alert, problem, found, goes_on)
        elif alert is not None:
            # Taken back, dismissed, or another rule's now.
            changed += alert_states.end(alert, rule.row, this.now)
    return changed


def _matching(rule: FindingsRule, problem: Problem) -> tuple[Said, ...]:
    return finding_rules.matching(rule.condition, problem)


def _over(this: _Pass, rule: FindingsRule, problem: Problem, found: Sequence[Said]) -> bool:
    ended_ns = this.clean.get((problem.project, problem.fingerprint))
    return finding_rules.over(
        problem, found, rule.row.keep_firing_s, this.now, going=_going(this, problem.project, found),
        clean_end=moment(ended_ns) if ended_ns is not None else None,
    )  # fmt: skip


def _begins(this: _Pass, rule: FindingsRule, key: Key, found: Sequence[Said]) -> bool:
    """Whether a problem without an alert gets one: what was already there when the rule was made is no news."""
    if not finding_rules.met(rule.condition, found, this.now):
        return False
    if this.clean.get(key) is not None:
        return False  # it came late, and later runs are without it
    newest = finding_rules.newest(found)
    return key in this.new or this.now - newest < max(LEAST_FRESH, timedelta(seconds=rule.row.keep_firing_s))


def _begin(this: _Pass, rule: FindingsRule, problem: Problem, found: Sequence[Said]) -> bool:
    names = {
        one.row.pk: alert_states.fingerprint(one.row.pk, {"problem": problem.fingerprint})
        for one in this.rules[problem.project]
    }
    known = {one.rule_id: one for one in Alert.objects.filter(rule__in=list(names), fingerprint__in=names.values())}
    name, before, newest = names[rule.row.pk], known.get(rule.row.pk), finding_rules.newest(found)
    told_of = [one.last_seen_at for one in known.values() if one.state == Alert.State.RESOLVED]
    if (before is not None and before.state in alert_states.ACTIVE) or newest <= max(told_of, default=EARLIEST):
        return False  # whatever rule told of it, it was told and is over
    after = begun(this.now, rule.row.hold_s)
    changed = sentences(_firsts(this), problem.project, found)
    told = _told(this, rule, problem, _recent(rule, found, this.now), changed)
    return alert_states.write(before, rule.row, name, replace(after, seen=newest), told, this.now)


def _firsts(this: _Pass) -> dict[tuple[str, str], list[First]]:
    """What the agents of problems without an alert ran with, read when the first one begins."""
    if this.firsts is None:
        new = [problem for key, problem in this.problems.items() if key not in this.active]
        agents = {(problem.project, one.agent) for problem in new for one in problem.findings if one.agent}
        this.firsts = store.firsts(agents, this.now - BACK)
    return this.firsts


def _go_on(
    this: _Pass, rule: FindingsRule, alert: Alert, problem: Problem, found: Sequence[Said], goes_on: bool
) -> bool:
    stood = alert_states.standing(alert)
    after = step(stood, "beyond", this.now, hold_s=rule.row.hold_s) if goes_on else ended(stood, this.now)
    known = facts_of.from_json(alert.facts)
    told = _told(this, rule, problem, _recent(rule, found, alert.since), known.changed, goes_on)
    seen = max(finding_rules.newest(found), alert.last_seen_at)
    return alert_states.write(alert, rule.row, alert.fingerprint, replace(after, seen=seen), told, this.now)


def _recent(rule: FindingsRule, found: Sequence[Said], since: datetime) -> Sequence[Said]:
    """Those of this time: from a window before it began."""
    first = since - timedelta(seconds=rule.condition.window_s)
    return [one for one in found if one.seen > first] or found[:1]


def _told(
    this: _Pass,
    rule: FindingsRule,
    problem: Problem,
    found: Sequence[Said],
    changed: tuple[str, ...],
    goes_on: bool = True,
) -> Told:
    chosen = finding_rules.worst(found)
    severity = worst(chosen.severity, rule.row.severity)
    runs: Mapping[str, RunSeen] = {
        trace_id: run for one in found if (run := this.runs.get((problem.project, trace_id := one.trace_id)))
    }
    facts = finding_rules.facts(problem, found, runs, this.now, changed)
    if not goes_on:
        facts = facts_of.from_json({**facts_of.as_json(facts), "going_on": False})
    return Told(rule.labels(finding_rules.labels(problem, chosen), severity), severity, facts)
