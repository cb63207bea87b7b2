"""What on-call and people's records quote of deleted runs: taken out, and counted until nothing is left.

A saved search that asks for what was deleted goes, and its name is told; an alert rule that does is switched off. An
incident stays, with its figures and its history: what is taken out is the texts and the ids of what was deleted.
A message that waits to be sent stays too, without them, so that a receiver still hears that an incident is over.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import models

from tracestore.alerts.models import (
    Alert,
    AlertRule,
    Breaker,
    BreakerChange,
    BudgetState,
    Channel,
    Delivery,
    Halt,
    Incident,
    Notification,
    Route,
    Silence,
    Transition,
)
from tracestore.clickhouse.deleting import GONE, LEAST
from tracestore.models import Backtest, Feedback, SavedView

GONE_TITLE: Final = "What this was about was deleted"
GONE_SUMMARY: Final = "The text was deleted with the run that it quoted."
_TRACE_ID: Final = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
AT_ONCE: Final = 500
#: What is matched by these would be more if a part of them were left out.
MEANT: Final = frozenset({"condition", "matchers"})

#: Model → its fields that may quote, texts and JSON; how it is of a project.
QUOTING: Final[Mapping[type[models.Model], tuple[str, tuple[str, ...]]]] = {
    Incident: ("project__slug", ("title", "labels", "facts")),
    Alert: ("project__slug", ("labels", "facts")),
    Transition: ("incident__project__slug", ("note", "data")),
    Notification: ("project__slug", ("message", "error")),
    # What receivers answered may repeat what they were sent.
    Delivery: ("notification__project__slug", ("error",)),
    Channel: ("project__slug", ("last_error",)),
    Halt: ("project__slug", ("reason", "subject", "lift_reason")),
    AlertRule: ("project__slug", ("condition", "failure")),
    Silence: ("project__slug", ("comment", "matchers")),
    Route: ("project__slug", ("matchers",)),
    SavedView: ("project__slug", ("query", "name")),
    Breaker: ("project__slug", ("reason", "trial_trace")),
    BreakerChange: ("breaker__project__slug", ("reason",)),
    Backtest: ("project__slug", ("outcome",)),
    Feedback: ("project__slug", ("reason",)),
}


@dataclass(frozen=True, slots=True)
class Named:
    """What must not be named any more: traces, and the session or user ('' when it is about a trace)."""

    traces: Collection[str]
    value: str = ""

    def in_text(self, text: str) -> bool:
        return self.cleaned(text) != text

    def cleaned(self, text: str) -> str:
        """The text without the ids."""
        if self.value and text == self.value:
            return GONE
        if len(text) >= 32:
            text = _TRACE_ID.sub(lambda found: GONE if found[0] in self.traces else found[0], text)
        if len(self.value) >= LEAST and self.value in text:
            text = re.sub(rf"(?<![\w-]){re.escape(self.value)}(?![\w-])", lambda _: GONE, text)
        return text

    def anywhere(self, value: Any) -> bool:
        if isinstance(value, str):
            return self.in_text(value)
        if isinstance(value, dict):
            return any(self.anywhere(one) for one in (*value, *value.values()))
        return isinstance(value, list) and any(map(self.anywhere, value))

    def replaced(self, value: Any) -> Any:
        """A JSON value of the same shape without the ids."""
        if isinstance(value, str):
            return self.cleaned(value)
        if isinstance(value, dict):
            return {self.cleaned(name): self.replaced(one) for name, one in value.items()}
        return [self.replaced(one) for one in value] if isinstance(value, list) else value

    def without(self, value: Any) -> Any:
        """A JSON value without the ids; of lists, objects that name one are left out."""
        if isinstance(value, str):
            return self.cleaned(value)
        if isinstance(value, dict):
            return {self.cleaned(name): self.without(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self.without(one) for one in value if not (isinstance(one, dict) and self.anywhere(one))]
        return value


def take_out(project: str, named: Named, findings: Collection[str], tell: Callable[[], None]) -> Counter[str]:
    """Takes out what quotes; gives how many records of each kind were changed or deleted. Idempotent."""
    done: Counter[str] = Counter()
    for some in (list(findings)[at : at + AT_ONCE] for at in range(0, len(findings), AT_ONCE)):
        done[_word(Feedback)] += Feedback.objects.filter(project__slug=project, finding__in=some).delete()[0]
    done["budget states"] += _states(project, named).delete()[0]
    for model, (of, fields) in QUOTING.items():
        for row in model._default_manager.filter(**{of: project}).iterator():
            if any(named.anywhere(getattr(row, field)) for field in _kept(row, fields)):
                _clean(row, _kept(row, fields), named)
                done[_word(model)] += 1
        tell()
    return done


def searches(project: str, named: Named) -> list[str]:
    """The names, without ids, of the saved searches that ask for what is deleted: `take_out` deletes these."""
    rows = SavedView.objects.filter(project__slug=project, deleted_at=None).order_by("pk")
    return [named.cleaned(row.name) for row in rows if named.in_text(row.query)]


def left(project: str, named: Named) -> Counter[str]:
    """How many records of each kind still name what was deleted."""
    found: Counter[str] = Counter({"budget states": _states(project, named).count()})
    for model, (of, fields) in QUOTING.items():
        rows = model._default_manager.filter(**{of: project}).iterator()
        found[_word(model)] += sum(
            any(named.anywhere(getattr(row, field)) for field in _kept(row, fields)) for row in rows
        )
    return found


def _kept(row: models.Model, fields: tuple[str, ...]) -> tuple[str, ...]:
    """A halt in force must go on halting what it was ordered for: its subject stays until it is lifted."""
    return tuple(f for f in fields if f != "subject") if isinstance(row, Halt) and row.active_key else fields


def _clean(row: models.Model, fields: tuple[str, ...], named: Named) -> None:
    if isinstance(row, SavedView) and named.in_text(row.query):
        row.delete()  # without the id it would find something else
        return
    if isinstance(row, AlertRule) and named.anywhere(row.condition):
        row.enabled = False
    for field in fields:
        value = getattr(row, field)
        if not named.anywhere(value):
            continue
        if field == "facts":
            value = _facts(value, named)
        elif field == "message":
            value = _message(value, named)
        elif field in MEANT:
            value = named.replaced(value)
        else:
            value = named.without(value)
        setattr(row, field, "" if field == "trial_trace" else value)
    if isinstance(row, Incident) and not row.facts.get("runs"):
        row.title = GONE_TITLE
    # By the primary key alone: `version` belongs to those who act on the row.
    type(row)._default_manager.filter(pk=row.pk).update(
        **{field: getattr(row, field) for field in {*fields, "title", "enabled"} & {f.name for f in row._meta.fields}}
    )


def _facts(facts: dict[str, Any], named: Named) -> dict[str, Any]:
    """Facts without the runs and evidence; their sentences may quote any run, so they go with the first of them."""
    kept: dict[str, Any] = named.without(facts) | {"summary": GONE_SUMMARY, "changed": []}
    if not kept.get("runs"):
        kept["title"] = GONE_TITLE
    return kept


def _message(message: dict[str, Any], named: Named) -> dict[str, Any]:
    kept: dict[str, Any] = named.without(message) | {
        "title": GONE_TITLE,
        "note": "",
        "lines": [],
        "alerts": [],
        "evidence_url": "",
    }
    if isinstance(kept.get("facts"), dict):
        kept["facts"] = _facts(kept["facts"], named)
    return kept


def _states(project: str, named: Named) -> models.QuerySet[BudgetState]:
    """How budgets stand for the deleted runs and the session or user: worked out anew from what is stored."""
    rows = BudgetState.objects.filter(budget__project__slug=project)
    gone = [
        pk for pk, subject in rows.values_list("pk", "subject")
        if subject and (subject == named.value or subject in named.traces)
    ]  # fmt: skip
    return rows.filter(pk__in=gone)


def _word(model: type[models.Model]) -> str:
    return "judgements" if model is Feedback else str(model._meta.verbose_name_plural)
