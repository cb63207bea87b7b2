"""`/settings/audit/`: who did what, and when; `/settings/audit/export/`: the same as a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from dashboard.api.audit import administered, as_file, wanted_of
from dashboard.pages.access import may_administer, page
from tracestore.audit import ACTIONS, reading
from tracestore.errors import Forbidden, InvalidInput
from tracestore.models import AuditEntry
from tracestore.moments import nanoseconds

SHOWN: Final = 100
FILTERS: Final = ("action", "actor", "subject", "since", "until", "of")
FORBIDDEN: Final = "The audit log is for owners and admins of the project."
#: Ways to ask for a time that fit most questions; the address takes any.
PASTS: Final = {"": "all time", "24h": "the last day", "7d": "the last 7 days", "30d": "the last 30 days"}
#: Before the dot → how a group of words is called.
GROUPS: Final = {name: name.replace("_", " ").capitalize() for name in reading.GROUPS} | {
    "sql": "SQL", "key": "API key",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    entry: AuditEntry
    at_ns: int
    meaning: str
    detail: list[tuple[str, str]]


@page
def audit_page(request: HttpRequest, project: str) -> HttpResponse:
    if not may_administer(request, project):
        raise Forbidden(FORBIDDEN)
    complaint, wrong = "", ""
    found = reading.Page([], None)
    try:
        wanted = wanted_of(request.GET, project, request.user)
        found = reading.page(wanted, limit=SHOWN, cursor=request.GET.get("cursor", ""))
    except InvalidInput as error:
        complaint, wrong = error.message, error.field
    chosen = {name: value for name in FILTERS if (value := request.GET.get(name, "").strip())}
    context: dict[str, Any] = {
        "rows": [row(one) for one in found.results],
        "chosen": chosen,
        "filtered": bool(chosen.keys() - {"of"}),
        "query": urlencode(chosen),
        "older": urlencode({**chosen, "cursor": found.next}) if found.next else "",
        "first": "cursor" not in request.GET,
        "groups": groups(),
        "pasts": PASTS if chosen.get("since", "") in PASTS else {**PASTS, chosen["since"]: f"since {chosen['since']}"},
        "organisation": administered(project, request.user),
        "complaint": complaint,
        "wrong": wrong,
    }
    return render(request, "dashboard/settings/audit.html", context, status=400 if complaint else 200)


@page
def export(request: HttpRequest, project: str) -> HttpResponse:
    if not may_administer(request, project):
        raise Forbidden(FORBIDDEN)
    return cast(HttpResponse, as_file(request.GET, project, request.user))


def groups() -> list[tuple[str, str, list[str]]]:
    """What can be asked for: the word for all of a group, how it is called, and its words."""
    return [(name, words, [one for one in ACTIONS if one.partition(".")[0] == name]) for name, words in GROUPS.items()]


def row(entry: AuditEntry) -> Row:
    shown = dict(entry.detail)
    if isinstance(shown.get("fields"), list):
        # Those whose values stand beside need not be named twice.
        shown["fields"] = [name for name in shown["fields"] if name not in entry.detail]
    detail = [(name, words(value)) for name, value in shown.items() if value not in ("", [], None)]
    return Row(entry, nanoseconds(entry.at), ACTIONS.get(entry.action, ""), detail)


def words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
