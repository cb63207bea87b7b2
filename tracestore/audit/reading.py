"""Reads the audit log: a page of it, or all of it as a file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from tracestore.audit.actions import ACTIONS
from tracestore.clickhouse.sql_console import FORMULA_SIGNS
from tracestore.errors import InvalidInput
from tracestore.models import AuditEntry
from tracestore.moments import utc_text

COLUMNS: Final = (
    "id", "at", "organisation", "project", "actor", "actor_kind", "address", "request_id", "action", "subject",
    "detail",
)  # fmt: skip
#: Format of a file → its media type.
FORMATS: Final = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
MOST_TEXT: Final = 300
#: Entries that are read at once for a file.
CHUNK: Final = 1000
#: Words before the dot: `key` means all that happens to keys.
GROUPS: Final = tuple(dict.fromkeys(word.partition(".")[0] for word in ACTIONS))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: of a project, of all of an organisation, or (both empty) of the whole installation.

    `action` is a word or the part before its dot; `subject` is found anywhere in an entry's subject.
    """

    project: str = ""
    organisation: str = ""
    action: str = ""
    actor: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """`next` is the cursor of the entries before these, None at the end."""

    results: list[AuditEntry]
    next: str | None


def check(wanted: Wanted) -> Wanted:
    """The same, if it can be.

    Raises:
        InvalidInput: a filter has a bad value; names it.
    """
    if wanted.action and wanted.action not in ACTIONS and wanted.action not in GROUPS:
        raise InvalidInput(
            f"action={wanted.action[:100]!r} is no word of the audit log: expected such as key.created, or key for all"
            " of keys.", field="action",
        )  # fmt: skip
    for name in ("actor", "subject"):
        value = getattr(wanted, name)
        if len(value) > MOST_TEXT or "\0" in value:
            raise InvalidInput(f"{name}: expected at most {MOST_TEXT} characters.", field=name)
    if wanted.since is not None and wanted.until is not None and wanted.since > wanted.until:
        raise InvalidInput("since is later than until: expected an earlier time.", field="since")
    return wanted


def entries(wanted: Wanted) -> QuerySet[AuditEntry]:
    """The latest first."""
    found = AuditEntry.objects.order_by("-pk")
    if wanted.organisation:
        found = found.filter(Q(organisation=wanted.organisation) | Q(organisation="", subject__in=people(wanted)))
    elif wanted.project:
        found = found.filter(project=wanted.project)
    if wanted.action in GROUPS:
        found = found.filter(Q(action=wanted.action) | Q(action__startswith=f"{wanted.action}."))
    elif wanted.action:
        found = found.filter(action=wanted.action)
    if wanted.actor:
        found = found.filter(actor=wanted.actor)
    if wanted.subject:
        found = found.filter(subject__icontains=wanted.subject)
    if wanted.since is not None:
        found = found.filter(at__gte=wanted.since)
    if wanted.until is not None:
        found = found.filter(at__lt=wanted.until)
    return found


def people(wanted: Wanted) -> QuerySet[Any, str]:
    """Names of those who may do anything in the organisation: their logins belong to no project."""
    own = Q(organisation_memberships__organisation__slug=wanted.organisation)
    own |= Q(memberships__project__organisation__slug=wanted.organisation)
    return get_user_model().objects.filter(own).values_list("username", flat=True)


def page(wanted: Wanted, *, limit: int, cursor: str = "") -> Page:
    """Raises: InvalidInput, if the cursor is none of ours."""
    found = entries(check(wanted))
    if cursor:
        if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 19):
            raise InvalidInput("cursor: expected `next` of the page before.", field="cursor")
        found = found.filter(pk__lt=int(cursor))
    rows = list(found[: limit + 1])
    return Page(rows[:limit], str(rows[limit - 1].pk) if len(rows) > limit else None)


def as_row(entry: AuditEntry) -> dict[str, Any]:
    row = {name: getattr(entry, name) for name in COLUMNS}
    return row | {"at": utc_text(entry.at)}


def file(wanted: Wanted, form: str) -> Iterator[bytes]:
    """What there is now, the oldest first, in pieces.

    Raises:
        InvalidInput: there is no such format, or a filter has a bad value.
    """
    if form not in FORMATS:
        raise InvalidInput(f"format={form[:100]!r}: expected {' or '.join(FORMATS)}.", field="format")
    return _pieces(entries(check(wanted)), form)


def _pieces(found: QuerySet[AuditEntry], form: str) -> Iterator[bytes]:
    newest = found.values_list("pk", flat=True).first() or 0
    if form == "csv":
        yield _csv([list(COLUMNS)])
    last = 0
    while last < newest:
        rows = list(found.filter(pk__gt=last, pk__lte=newest).order_by("pk")[:CHUNK])
        if not rows:
            return
        last = rows[-1].pk
        if form == "csv":
            yield _csv([[guarded(value) for value in as_row(row).values()] for row in rows])
        else:
            yield "".join(json.dumps(as_row(row), ensure_ascii=False) + "\n" for row in rows).encode()


def _csv(rows: list[list[Any]]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()


def guarded(value: Any) -> Any:
    """A value of CSV that no spreadsheet runs: a text that looks like a formula gets an apostrophe in front."""
    if isinstance(value, dict):
        value = json.dumps(value, ensure_ascii=False)
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_SIGNS) else value
