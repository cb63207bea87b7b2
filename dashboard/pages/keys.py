"""`/settings/keys/`: the project's keys, and the forms that make, rotate and revoke them. A key is shown once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from dashboard.api.keys import MOST_NAME, find
from dashboard.pages.access import form_page, may_administer, page
from tracestore import keys
from tracestore.errors import Forbidden, InvalidInput
from tracestore.models import ApiKey, Project
from tracestore.moments import nanoseconds, nanoseconds_if

#: Scope → what it allows, as the form says it.
SCOPES: Final = {
    "ingest": "Sends spans and logs.",
    "read": "Reads all that pages show.",
    "sql": "Asks SQL, over this project.",
    "respond": "Acknowledges, snoozes, resolves, halts.",
    "admin": "Changes all settings and makes keys.",
}
#: Choice → days until a key ends; none for ever.
EXPIRIES: Final = {"": "never", "30": "in 30 days", "90": "in 90 days", "365": "in a year"}
#: Choice → hours that the old key of a rotation works on.
OVERLAPS: Final = {"0": "at once", "1": "in an hour", "24": "in a day", "168": "in a week"}
SAID: Final = "keys_said"
NOT_ALLOWED: Final = "Only an owner or admin of the project sees and changes its keys."


@page
def settings_page(request: HttpRequest, project: str) -> HttpResponse:
    return shown(request, project)


@form_page
def create(request: HttpRequest, project: str) -> HttpResponse:
    if request.method != "POST":
        return redirect("keys")
    check_allowed(request, project)
    sent = request.POST
    try:
        name = sent.get("name", "").strip()
        if not 0 < len(name) <= MOST_NAME or not name.isprintable():
            raise InvalidInput(f"name: expected a text of 1 to {MOST_NAME} characters, on one line.", field="name")
        scopes = tuple(one for one in keys.SCOPES if one in sent.getlist("scopes"))
        if not scopes:
            raise InvalidInput("scopes: expected at least one.", field="scopes")
        days = sent.get("expires", "")
        if days not in EXPIRIES:
            raise InvalidInput("expires: expected one of the choices.", field="expires")
        until = timezone.now() + timedelta(days=int(days)) if days else None
    except InvalidInput as error:
        return shown(request, project, wrong=error, status=400)
    row = Project.objects.get(slug=project)
    key = keys.create(row, name, scopes, expires_at=until, created_by=request.user.get_username())
    return shown(request, project, made=key, status=201)


@form_page
def rotate(request: HttpRequest, project: str, number: int) -> HttpResponse:
    if request.method != "POST":
        return redirect("keys")
    check_allowed(request, project)
    old = find(project, number)
    hours = request.POST.get("overlap", "")
    try:
        if hours not in OVERLAPS:
            raise InvalidInput("overlap: expected one of the choices.", field="overlap")
        key = keys.rotate(old, timedelta(hours=int(hours)), request.user.get_username())
    except InvalidInput as error:
        return shown(request, project, wrong=error, status=400)
    return shown(request, project, made=key, old=old, status=201)


@form_page
def revoke(request: HttpRequest, project: str, number: int) -> HttpResponse:
    if request.method != "POST":
        return redirect("keys")
    check_allowed(request, project)
    row = find(project, number)
    keys.revoke(row)
    request.session[SAID] = f"{row.name} is revoked: it stops working within {keys.REVOKED_WITHIN_SECONDS:.0f} seconds."
    return redirect("keys")


def check_allowed(request: HttpRequest, project: str) -> None:
    """Raises: Forbidden."""
    if not may_administer(request, project):
        raise Forbidden(NOT_ALLOWED)


def shown(
    request: HttpRequest,
    project: str,
    *,
    made: str = "",
    old: ApiKey | None = None,
    wrong: InvalidInput | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page; with a key that was just made, for the only time. No redirect: it would have to be kept in clear."""
    allowed = may_administer(request, project)
    rows = ApiKey.objects.filter(project__slug=project).order_by("-created_at", "-pk") if allowed else []
    if old is not None:
        old.refresh_from_db()
    context: dict[str, Any] = {
        "may_change": allowed,
        "rows": [described(one) for one in rows],
        "made": made,
        "made_name": ApiKey.objects.get(digest=keys.digest(made)).name if made else "",
        "old_ns": nanoseconds_if(old.expires_at) if old else 0,
        "scopes": SCOPES,
        "chosen": request.POST.getlist("scopes") if wrong else ["ingest"],
        "typed": request.POST.get("name", "") if wrong else "",
        "expiries": EXPIRIES,
        "overlaps": OVERLAPS,
        "wrong": wrong,
        "said": request.session.pop(SAID, ""),
    }
    return render(request, "dashboard/settings/keys.html", context, status=status)


def described(one: ApiKey) -> dict[str, Any]:
    return {
        "one": one,
        "state": one.state,
        "made_ns": nanoseconds(one.created_at),
        "used_ns": nanoseconds_if(one.last_used_at),
        "expires_ns": nanoseconds_if(one.expires_at),
    }
