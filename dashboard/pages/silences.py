"""`/silences/`: what is kept but not told, and for how long; made, previewed, ended, and that undone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from dashboard.pages.access import form_page
from dashboard.pages.changes import may_respond, response
from tracestore.alerts import silences
from tracestore.alerts.models import Silence
from tracestore.errors import Forbidden, InvalidInput

#: Where the browser session keeps the one that was ended last, for its undo.
ENDED: Final = "silence_ended"
LENGTHS: Final = {"3600": "1 hour", "14400": "4 hours", "86400": "1 day", "604800": "1 week", "": "until …"}
#: Ended ones that are shown.
PAST: Final = 50
TEXTS: Final = ("kind", "matchers", "starts_at", "ends_at", "time_zone", "comment")


@dataclass(frozen=True, slots=True)
class Row:
    silence: Silence
    state: str
    #: When it begins and ends, or does next.
    starts_at: datetime
    ends_at: datetime


@form_page
def silence_list(request: HttpRequest, project: str) -> HttpResponse:
    """The list and the form; `do=preview` shows what the form would cover, by htmx only that."""
    sent = request.POST if request.method == "POST" else None
    context: dict[str, Any] = {"complaint": "", "wrong": "", "covered": None}
    if sent is not None:
        if not may_respond(request, project):
            raise Forbidden("This needs the role member, admin or owner in the project.")
        try:
            if sent.get("do") == "preview":
                context["covered"] = silences.preview(project, sent.get("matchers", ""))
            else:
                made = silences.create(project, posted(sent), request.user.get_username())
                return redirect(f"{reverse('silences')}?made={made.pk}")
        except InvalidInput as error:
            context |= {"complaint": error.message, "wrong": error.field}
        if request.headers.get("HX-Request"):
            return render(request, "dashboard/silences/preview.html", context)
    context |= listed(request, project) | {"form": form_of(sent if sent is not None else request.GET)}
    return render(request, "dashboard/silences/list.html", context, status=400 if context["complaint"] else 200)


@response
def end(request: HttpRequest, project: str, number: int) -> HttpResponse:
    """Ends one now. What it was is remembered, so that ending can be undone."""
    before = silences.one(project, number)
    if silences.state(before, datetime.now(UTC)) != "expired":
        request.session[ENDED] = {
            "number": number,
            "project": project,
            "fields": {
                "kind": before.kind,
                "matchers": before.matchers,
                "starts_at": before.starts_at.isoformat(),
                "ends_at": before.ends_at.isoformat(),
                "repeats": before.repeats,
                "time_zone": before.time_zone,
                "comment": before.comment,
            },
        }
    silences.end(project, number, request.user.get_username())
    return redirect(f"{reverse('silences')}?ended={number}")


@response
def undo(request: HttpRequest, project: str) -> HttpResponse:
    """Makes the one again that was ended last."""
    ended = request.session.get(ENDED) or {}
    if ended.get("project") != project:
        raise InvalidInput("There is nothing to undo: expected a silence that this browser has just ended.")
    made = silences.create(project, ended["fields"], request.user.get_username())
    del request.session[ENDED]
    return redirect(f"{reverse('silences')}?made={made.pk}")


def posted(sent: Mapping[str, str]) -> dict[str, Any]:
    """The form's fields as a silence takes them: a length, or an end in the time zone that the form names."""
    fields: dict[str, Any] = {name: sent.get(name, "").strip() for name in TEXTS}
    fields["repeats"] = "weekly" if sent.get("repeats") else ""
    length = sent.get("length", "")
    if length in LENGTHS and length:
        del fields["ends_at"]
        fields["duration_s"] = int(length)
    elif not fields["ends_at"]:
        raise InvalidInput("Until: expected a time, or one of the lengths.", field="ends_at")
    if not fields["starts_at"]:
        del fields["starts_at"]
    return fields


def form_of(sent: Mapping[str, str]) -> dict[str, str]:
    """What the form says: as it was posted, or as a link fills it."""
    names = (*TEXTS, "repeats", "length")
    form = {name: sent.get(name, "")[:2000] for name in names}
    form["kind"] = form["kind"] if form["kind"] in Silence.Kind.values else Silence.Kind.SILENCE
    form["time_zone"] = form["time_zone"] or "UTC"
    if "length" not in sent:
        form["length"] = "3600"
    return form


def listed(request: HttpRequest, project: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    rows = [row_of(one, now) for one in silences.listed(project)]
    ended = request.session.get(ENDED) or {}
    past = [row for row in rows if row.state == "expired"]
    return {
        "groups": [
            ("Holding now", [row for row in rows if row.state == "active"]),
            ("To come", [row for row in rows if row.state == "pending"]),
            ("Over", past[:PAST]),
        ],
        "rows": rows,
        "lengths": list(LENGTHS.items()),
        "may_respond": may_respond(request, project),
        "made": request.GET.get("made", ""),
        "can_undo": ended.get("project") == project and str(ended.get("number")) == request.GET.get("ended", ""),
    }


def row_of(one: Silence, now: datetime) -> Row:
    found = silences.window(one, now) or (one.starts_at, one.ends_at)
    return Row(one, silences.state(one, now), *found)
