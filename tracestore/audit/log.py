"""Adds entries to the audit log, and knows who acts while a request is answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, Literal

from tracestore.models import AuditEntry, Project

Kind = Literal["user", "key", "machine", "command", "job", "unknown"]

MOST_SUBJECT: Final = 300


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a user's name, `key PREFIX`, "this machine", a command's name, a job's name."""

    name: str
    kind: Kind
    address: str = ""
    request_id: str = ""


NOBODY: Final = Actor("unknown", "unknown")


@dataclass(slots=True)
class Doing:
    """What is being done by whom. What does it may say of what (`concerns`), or that it came to nothing."""

    actor: Actor = NOBODY
    subject: str = ""
    organisation: str = ""
    nothing: bool = False


_doing: ContextVar[Doing] = ContextVar("audit_doing")


@contextmanager
def acting(actor: Actor) -> Iterator[Doing]:
    """Says who does what is done inside."""
    doing = Doing(actor)
    token = _doing.set(doing)
    try:
        yield doing
    finally:
        _doing.reset(token)


def concerns(subject: object, organisation: str = "") -> None:
    """Names what is being made or changed, where the address of a request does not; and the organisation (its slug)
    that it is about, where it is about none of its projects.
    """
    doing = _doing.get(None)
    if doing is not None:
        doing.subject, doing.organisation = str(subject), organisation


def nothing_done() -> None:
    """What was asked for came to nothing, though the answer is no error: there is nothing to record."""
    doing = _doing.get(None)
    if doing is not None:
        doing.nothing = True


def record(
    action: str,
    *,
    project: str = "",
    organisation: str = "",
    subject: str = "",
    detail: Mapping[str, Any] | None = None,
    actor: Actor | None = None,
) -> None:
    """Adds an entry: a word of ACTIONS, what it was done to, and which fields; never a secret or what agents said.

    Raises:
        DatabaseError: it could not be written.
    """
    doing = _doing.get(None)
    who = actor or (doing.actor if doing is not None else NOBODY)
    if project and not organisation:
        of = Project.every.filter(slug=project).values_list("organisation__slug", flat=True)
        organisation = of.first() or ""
    AuditEntry.objects.create(
        action=action,
        project=project,
        organisation=organisation,
        subject=storable(subject)[:MOST_SUBJECT],
        detail={name: storable(value) for name, value in (detail or {}).items()},
        actor=storable(who.name)[:150],
        actor_kind=who.kind,
        address=who.address[:64],
        request_id=who.request_id[:128],
    )


def storable(value: Any) -> Any:
    """The same without what a database has no form for: NUL, and halves of surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\0", "�").encode("utf-8", "replace").decode()
    if isinstance(value, list | tuple):
        return [storable(one) for one in value]
    if isinstance(value, Mapping):
        return {storable(str(name)): storable(one) for name, one in value.items()}
    return value
