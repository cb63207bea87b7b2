"""Rules over metrics and searches. What several ask is read once, over all projects; one that fails costs no other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from tracestore.alerts import alert_states, rule_book
from tracestore.alerts.alert_states import Told
from tracestore.alerts.conditions import metrics
from tracestore.alerts.conditions.condition import MetricCondition, SearchCondition
from tracestore.alerts.conditions.judging import Observation, judge, limit, measure
from tracestore.alerts.conditions.standing import step
from tracestore.alerts.conditions.wording import summary, title
from tracestore.alerts.facts import Evidence, Facts, Run
from tracestore.alerts.models import Alert
from tracestore.alerts.rule_book import INTERNAL, FigureRule
from tracestore.alerts.searched import search_of
from tracestore.clickhouse import client, trace_list
from tracestore.clickhouse.alerting import searches, series
from tracestore.clickhouse.alerting.figures import Example, Family, Figures
from tracestore.clickhouse.trace_list import Opened
from tracestore.errors import TracestoreError, Unavailable
from tracestore.moments import nanoseconds, rfc3339

log = structlog.get_logger(__name__)

#: Alerts of one rule at most: those that are most beyond. More is one problem, not many.
MOST_ALERTS: Final = 200


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read of one group: its labels, figures, what shows them, dollars of the window if that is known."""

    labels: Mapping[str, str]
    observation: Observation
    examples: Sequence[Example] = ()
    concerned: int = 0
    cost_usd: float | None = None


#: Family, dimensions, window in s.
Question = tuple[Family, tuple[str, ...], int]


def evaluate(rules: Sequence[FigureRule], alerts: Sequence[Alert], now: datetime) -> int:
    """Judges the rules whose turn it is; `alerts` are those of these rules that are pending or firing.

    Returns how many alerts it changed.

    Raises:
        Unavailable: the store does not answer. Rules that were judged before are.
    """
    due = [rule for rule in rules if rule.due(now)]
    of_rule: dict[int, list[Alert]] = defaultdict(list)
    for alert in alerts:
        of_rule[alert.rule_id].append(alert)
    changed = 0
    answers: dict[Question, series.Read] = {}
    failures: dict[Question, str] = {}
    opened: dict[str, Opened] = {}
    wanted = _questions(due)
    done: list[FigureRule] = []
    try:
        for rule in due:
            try:
                if isinstance(rule.condition, MetricCondition):
                    for question in _asked(rule.condition):
                        if question not in answers and question not in failures:
                            _answer(question, wanted[question], now, answers, failures)
                    why = next((failures[one] for one in _asked(rule.condition) if one in failures), "")
                    if why:
                        rule_book.failed([rule.row], why, now)
                        continue
                    seen = _of_metric(rule.project, rule.condition, answers)
                else:
                    seen = _of_search(rule.project, rule.condition, opened, now)
                changed += _apply(rule, seen, of_rule[rule.row.pk], now)
                done.append(rule)
            except Unavailable as error:
                client.ping()  # raises if it is the store and not the question
                rule_book.failed([rule.row], error.message, now)
            except TracestoreError as error:
                rule_book.failed([rule.row], error.message, now)
            except Exception:
                log.exception("a rule could not be evaluated", rule=rule.row.pk)
                rule_book.failed([rule.row], INTERNAL, now)
    finally:
        if done:
            rule_book.done(done, now)
    return changed


def _asked(condition: MetricCondition) -> list[Question]:
    family, dimensions = metrics.family(condition), metrics.dimensions(condition)
    return [(family, dimensions, window) for window in metrics.windows(condition)]


def _questions(rules: Iterable[FigureRule]) -> dict[Question, set[str]]:
    """Question → the projects that ask it."""
    found: dict[Question, set[str]] = defaultdict(set)
    for rule in rules:
        if isinstance(rule.condition, MetricCondition):
            for question in _asked(rule.condition):
                found[question].add(rule.project)
    return found


def _answer(
    question: Question, projects: set[str], now: datetime, answers: dict[Question, series.Read],
    failures: dict[Question, str],
) -> None:  # fmt: skip
    family, dimensions, window = question
    try:
        answers[question] = series.two_windows(family, dimensions, sorted(projects), now, window)
    except Unavailable as error:
        client.ping()
        failures[question] = error.message
    except TracestoreError as error:
        failures[question] = error.message


def _of_metric(of: str, condition: MetricCondition, answers: Mapping[Question, series.Read]) -> list[Seen]:
    asked = _asked(condition)
    long, short = answers[asked[0]], answers[asked[-1]]
    found: list[Seen] = []
    for (project, values), buckets in long.items():
        labels = metrics.kept(condition, values) if project == of else None
        if labels is None:
            continue
        figures = buckets.get(1)
        lately = short.get((project, values), {}).get(1) if len(asked) > 1 else None
        found.append(
            _seen(condition, labels, figures, metrics.observation(condition.metric, figures, buckets.get(0), lately))
        )
    if not found and set(condition.by) <= set(condition.only):
        # Of the whole project, or of one named thing, nothing is a figure too.
        found.append(Seen(metrics.named(condition), metrics.observation(condition.metric, None)))
    return found


def _seen(condition: MetricCondition, labels: Mapping[str, str], figures: Figures | None, seen: Observation) -> Seen:
    if figures is None:
        return Seen(labels, seen)
    failed = condition.metric.endswith("error_rate")
    cost = figures.cost_usd if condition.metric in ("cost_usd", "cost_per_run") else None
    return Seen(
        labels, seen, metrics.examples(condition.metric, figures), figures.failed if failed else figures.volume, cost
    )


def _of_search(project: str, condition: SearchCondition, opened: dict[str, Opened], now: datetime) -> list[Seen]:
    search = search_of(project, condition)
    if project not in opened:
        opened[project] = trace_list.opened(project)
    since = now - timedelta(seconds=condition.window_s)
    by_agent = "agent" in condition.by
    rows = searches.counted(
        project, search, opened[project], since, condition.window_s, 1, by_agent=by_agent
    )  # fmt: skip
    found = [
        Seen(
            {"agent": row.agent} if by_agent else {}, Observation(float(row.traces), row.traces),
            [Example(trace_id) for trace_id in row.latest], row.traces,
        )
        for row in rows
    ]  # fmt: skip
    return found or ([] if by_agent else [Seen({}, Observation(0.0))])


def _apply(rule: FigureRule, found: Sequence[Seen], alerts: Sequence[Alert], now: datetime) -> int:
    """What the figures make of the rule's alerts."""
    condition = rule.condition
    named = {alert_states.fingerprint(rule.row.pk, seen.labels): seen for seen in found}
    active = {alert.fingerprint: alert for alert in alerts}
    beyond = [
        name for name, seen in named.items() if name not in active and judge(condition, seen.observation) == "beyond"
    ]
    if len(beyond) + len(active) > MOST_ALERTS:
        beyond.sort(
            key=lambda name: abs((measure(condition, named[name].observation) or 0.0) - limit(condition)), reverse=True
        )
        beyond = beyond[: max(0, MOST_ALERTS - len(active))]
    known = (
        {one.fingerprint: one for one in Alert.objects.filter(rule=rule.row, fingerprint__in=beyond)} if beyond else {}
    )
    changed = 0
    for name in beyond:
        changed += _step(rule, name, known.get(name), named[name], now)
    for name, alert in active.items():
        seen = named.get(name)
        if seen is None:
            labels = {key: alert.labels[key] for key in _identity(condition) if key in alert.labels}
            if alert_states.fingerprint(rule.row.pk, labels) != name:
                # The rule asks something else now.
                changed += alert_states.end(alert, rule.row, now)
                continue
            seen = Seen(labels, Observation(0.0 if isinstance(condition, SearchCondition) else None))
        changed += _step(rule, name, alert, seen, now)
    return changed


def _beyond_by(condition: MetricCondition | SearchCondition, seen: Seen) -> float:
    return abs((measure(condition, seen.observation) or 0.0) - limit(condition))


def _identity(condition: MetricCondition | SearchCondition) -> Sequence[str]:
    return metrics.dimensions(condition) if isinstance(condition, MetricCondition) else condition.by


def _step(rule: FigureRule, name: str, alert: Alert | None, seen: Seen, now: datetime) -> bool:
    condition = rule.condition
    reading = judge(condition, seen.observation)
    stood = alert_states.standing(alert) if alert is not None else None
    after = step(stood, reading, now, hold_s=rule.row.hold_s, keep_firing_s=rule.row.keep_firing_s)
    if after is None:
        return False
    told = None
    if reading == "beyond":
        told = _told(rule, seen, after.since, now)
    return alert_states.write(alert, rule.row, name, after, told, now)


def _told(rule: FigureRule, seen: Seen, since: datetime, now: datetime) -> Told:
    condition = rule.condition
    severity = rule.row.severity
    value = measure(condition, seen.observation)
    traces = list(dict.fromkeys(one.trace_id for one in seen.examples if one.trace_id))
    agent = seen.labels.get("agent", "")
    facts = Facts(
        title=title(condition, seen.labels, seen.observation)[:300],
        summary=summary(condition, seen.labels, seen.observation),
        first_seen=rfc3339(nanoseconds(since)),
        last_seen=rfc3339(nanoseconds(now)),
        usd_per_hour=round(seen.cost_usd * 3600 / condition.window_s, 4) if seen.cost_usd is not None else None,
        run_count=seen.concerned,
        value=value,
        threshold=limit(condition),
        runs=tuple(Run(trace_id, agent=agent) for trace_id in traces),
        evidence=tuple(
            Evidence("An example", one.trace_id, one.span_id) for one in seen.examples if one.trace_id
        ),
    )  # fmt: skip
    return Told(rule.labels(dict(seen.labels), severity), severity, facts, value)
