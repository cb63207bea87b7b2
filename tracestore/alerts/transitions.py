"""The one way in which an incident changes: compare-and-swap, together with the transition that records it.

`version` is the number of an incident's transitions (notes apart), so that a gap would show a lost one. What is
refreshed without a transition (facts) is written under the same condition but leaves the version as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, TypeVar

from django.db import IntegrityError, transaction

from tracestore.alerts import cas
from tracestore.alerts.models import Incident, Transition
from tracestore.errors import Overloaded

T = TypeVar("T")

#: The actor of what happens by itself.
SYSTEM: Final = "tracestore"
OPEN, ACKNOWLEDGED, RESOLVED = Incident.State.OPEN, Incident.State.ACKNOWLEDGED, Incident.State.RESOLVED
#: States in which an incident holds its key.
GOING_ON: Final = (OPEN, ACKNOWLEDGED)
MOST_TRIES: Final = 20


class Lost(Exception):
    """Somebody else changed the row first; what was decided may be wrong now."""


def attempt(work: Callable[[], T]) -> T:
    """Does `work` in a transaction, again from the beginning if somebody else was first.

    Raises:
        Overloaded: others were first each time.
    """
    for _ in range(MOST_TRIES):
        try:
            with transaction.atomic():
                return work()
        except (Lost, IntegrityError):
            continue
    raise Overloaded("The incident is being changed by others: try again.")


def locked(**wanted: Any) -> Incident | None:
    """The incident, for this transaction alone where the database can do that (it saves tries; what makes changes
    safe is the compare-and-swap).
    """
    rows = Incident.objects.select_for_update(of=("self",)).select_related("project", "rule", "cause")
    return rows.filter(**wanted).first()


def make(
    row: Incident, kind: Transition.Kind, now: datetime, *, actor: str = SYSTEM, note: str = "",
    data: dict[str, Any] | None = None, **changes: Any,
) -> Transition:  # fmt: skip
    """Changes the incident and records it. In a transaction (`attempt`).

    Raises:
        Lost: the row is not any more what was read.
    """
    before = row.state
    if not cas.swap(row, **changes):
        raise Lost
    return Transition.objects.create(
        incident=row, version=row.version, kind=kind, from_state=before, to_state=row.state, at=now, actor=actor,
        note=note, data=data or {},
    )  # fmt: skip


def refresh(row: Incident, **changes: Any) -> bool:
    """Writes what differs, without a transition. Returns whether anything did.

    Raises:
        Lost: the row is not any more what was read.
    """
    differing = {name: value for name, value in changes.items() if getattr(row, name) != value}
    if not differing:
        return False
    if not Incident.objects.filter(pk=row.pk, version=row.version).update(**differing):
        raise Lost
    for name, value in differing.items():
        setattr(row, name, value)
    return True
