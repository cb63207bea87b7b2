"""`/settings/privacy/`: how much of what is said is kept, and deleting a trace, a session or a user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from dashboard.pages.access import form_page, may_administer, page
from tracestore import capture, deletion
from tracestore.clickhouse import deleting
from tracestore.clickhouse.deleting import Extent, Subject
from tracestore.errors import Forbidden, InvalidInput
from tracestore.models import Deletion
from tracestore.moments import nanoseconds, nanoseconds_if

FORBIDDEN: Final = "Only an owner or admin of the project may change what it keeps, or delete."
#: Mode → its name, and what it means.
MODES: Final = {
    "full": ("Full", "Everything that is received, less what redaction takes out."),
    "preview": ("Preview", "The first 300 characters of each text, 1,024 of a tool call's. The rest is never written."),
    "off": ("Off", "Nothing that a model, a tool or a user said: no prompts, answers, arguments, results or error "
            "texts. Names, times, tokens, costs, models and sizes stay."),
}  # fmt: skip
KINDS: Final = {"trace": "Trace", "session": "Session", "user": "User"}
#: Orders that the page lists, the latest first.
LISTED: Final = 20


@dataclass(frozen=True, slots=True)
class Order:
    """An order as the page shows it; times in ns, 0 for none. `tables`: name, rows that are gone, rows left or None."""

    row: Deletion
    at_ns: int
    finished_ns: int
    going: bool
    tables: list[tuple[str, int, int | None]]

    @property
    def gone(self) -> int:
        return sum(deleted for _, deleted, _ in self.tables)

    @property
    def left(self) -> int:
        return sum(left or 0 for _, _, left in self.tables)


@form_page
def settings_page(request: HttpRequest, project: str) -> HttpResponse:
    """The page; three forms are posted to it: the mode, what to look up, and the order after that."""
    allowed = may_administer(request, project)
    context: dict[str, Any] = {"complaint": "", "wrong": "", "kind": "trace", "value": ""}
    try:
        if request.method == "POST":
            if not allowed:
                raise Forbidden(FORBIDDEN)
            done = posted(request, project, context)
            if done is not None:
                return done
        elif allowed:
            named = next((name for name in deletion.FIELDS if request.GET.get(name)), "")
            if named:
                context |= {"kind": str(deletion.FIELDS[named]), "value": request.GET[named]}
                context["found"] = found_of(project, context)
    except InvalidInput as error:
        context |= {"complaint": error.message, "wrong": error.field}
    context |= {
        "may_change": allowed,
        "mode": capture.of(project),
        "modes": [(mode, *words) for mode, words in MODES.items()],
        "kinds": KINDS.items(),
        "orders": [shown_order(row) for row in orders(project)] if allowed else [],
    }
    return render(request, "dashboard/settings/privacy.html", context, status=400 if context["complaint"] else 200)


def posted(request: HttpRequest, project: str, context: dict[str, Any]) -> HttpResponse | None:
    """Does what the form's button says; None to show the page, with what was looked up in the context.

    Raises:
        InvalidInput: a field cannot be so, or the confirmation is another.
    """
    sent = request.POST
    match sent.get("do"):
        case "capture":
            capture.change(project, sent.get("mode", ""))
            return redirect("privacy")
        case "look":
            context |= {"kind": sent.get("kind", ""), "value": sent.get("value", "").strip()}
            context["found"] = found_of(project, context)
            return None
        case "delete":
            context |= {"kind": sent.get("kind", ""), "value": sent.get("value", "")}
            subject = deletion.subject_of(project, context["kind"], context["value"])
            if sent.get("confirmed", "").strip() != subject.value:
                context["found"] = found_of(project, context)
                raise InvalidInput("Type the id again to confirm; nothing was deleted.", field="confirmed")
            row = deletion.order(subject, request.user.get_username())
            return redirect(f"{reverse('privacy')}#deletion-{row.pk}")
        case _:
            raise InvalidInput("Expected one of capture, look, delete.", field="do")


def found_of(project: str, context: dict[str, Any]) -> Extent:
    subject: Subject = deletion.subject_of(project, context["kind"], context["value"])
    context["value"] = subject.value
    return deleting.extent(subject)


@page
def progress(request: HttpRequest, project: str, number: int) -> HttpResponse:
    """How far a deletion is: the fragment that its own poll replaces."""
    if not may_administer(request, project):
        raise Forbidden(FORBIDDEN)
    one = shown_order(deletion.find(project, number))
    return render(request, "dashboard/settings/privacy_deletion.html", {"one": one})


def orders(project: str) -> list[Deletion]:
    return list(Deletion.objects.filter(project__slug=project).order_by("-pk")[:LISTED])


def shown_order(row: Deletion) -> Order:
    return Order(
        row, nanoseconds(row.requested_at), nanoseconds_if(row.finished_at),
        row.state in (Deletion.State.WAITING, Deletion.State.RUNNING), deletion.tables_of(row),
    )  # fmt: skip
