"""`/settings/routing/`: which incidents go to which channels, in order; and who would be told of what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse

from dashboard.api.incident_shapes import SEVERITIES
from dashboard.api.routes import who
from dashboard.pages.access import form_page, may_administer, page
from dashboard.pages.changes import change
from dashboard.templatetags.on_call import matcher_lines
from tracestore.alerts import matchers, routing
from tracestore.alerts.models import Channel, Route
from tracestore.errors import Forbidden, InvalidInput

#: Where the browser session keeps the route that was deleted last, for its undo.
DELETED: Final = "route_deleted"
#: Empty steps of escalation that the form offers beside those that are there.
MORE_STEPS: Final = 1
REPEATS: Final = (
    (0, "never"), (900, "every 15 minutes"), (3600, "every hour"), (4 * 3600, "every 4 hours"),
    (12 * 3600, "every 12 hours"), (86_400, "every day"),
)  # fmt: skip
MINUTE: Final = 60


@form_page
def routing_page(request: HttpRequest, project: str) -> HttpResponse:
    """The list, the form of a new route, or of the one that `edit` names."""
    sent = request.POST if request.method == "POST" else None
    number = (sent if sent is not None else request.GET).get("edit", "")
    edited = routing.one(project, int(number)) if number.isascii() and number.isdecimal() and len(number) < 12 else None
    complaint, wrong = "", ""
    if sent is not None:
        if not may_administer(request, project):
            raise Forbidden("Only an owner or admin of the project may set its routing.")
        try:
            fields = posted(sent)
            if edited:
                routing.change(project, edited.pk, fields, request.user.get_username())
            else:
                routing.create(project, fields, request.user.get_username())
            return redirect("routing")
        except InvalidInput as error:
            complaint, wrong = error.message, error.field
    context = listed(request, project) | {
        "edited": edited,
        "form": form_of(sent, edited),
        "complaint": complaint,
        "wrong": wrong,
        "open": bool(edited or complaint),
        "severities": SEVERITIES[::-1],
        "try_severity": "critical",
        "try_labels": "",
    }
    return render(request, "dashboard/routes/routing.html", context, status=400 if complaint else 200)


@page
def trial(request: HttpRequest, project: str) -> HttpResponse:
    """Who would be told of an incident with these labels; by htmx only the answer."""
    context: dict[str, Any] = {"try_severity": request.GET.get("severity", "critical"), "refused": ""}
    context["try_labels"] = request.GET.get("labels", "")[:2000]
    try:
        context["tried"] = who(project, context["try_severity"], labels_of(context["try_labels"]))
    except InvalidInput as error:
        context["refused"] = error.message
    if request.headers.get("HX-Request"):
        return render(request, "dashboard/routes/trial.html", context)
    context |= listed(request, project) | {"form": form_of(None, None), "severities": SEVERITIES[::-1]}
    return render(request, "dashboard/routes/routing.html", context)


@change
def act(request: HttpRequest, project: str, number: int) -> HttpResponse:
    """Moves a route up or down, or deletes it."""
    name = request.user.get_username()
    order = [one.pk for one in routing.listed(project)]
    routing.one(project, number)
    match request.POST.get("do"):
        case "up":
            routing.move(project, number, max(order.index(number) - 1, 0), name)
        case "down":
            routing.move(project, number, order.index(number) + 1, name)
        case "delete":
            fields = routing.delete(project, number, name)
            request.session[DELETED] = {"project": project, "fields": fields}
            return redirect(f"{reverse('routing')}?deleted=1")
        case _:
            raise InvalidInput("Expected one of up, down, delete.", field="do")
    return redirect("routing")


@change
def undo(request: HttpRequest, project: str) -> HttpResponse:
    """Makes the route again that was deleted last."""
    deleted = request.session.get(DELETED) or {}
    if deleted.get("project") != project:
        raise InvalidInput("There is nothing to undo: expected a route that this browser has just deleted.")
    routing.create(project, deleted["fields"], request.user.get_username())
    del request.session[DELETED]
    return redirect("routing")


def posted(sent: QueryDict) -> dict[str, Any]:
    """The form's fields as a route takes them.

    Raises:
        InvalidInput: a number is none.
    """
    steps = []
    for place, minutes in enumerate(sent.getlist("after")):
        channels = [number(one, "escalation") for one in sent.getlist(f"step-{place}")]
        if minutes.strip():
            steps.append({"after_s": number(minutes, "escalation") * MINUTE, "channels": channels})
        elif channels:
            raise InvalidInput("escalation: expected after how many minutes.", field="escalation")
    return {
        "name": sent.get("name", ""),
        "matchers": sent.get("matchers", ""),
        "channels": [number(one, "channels") for one in sent.getlist("channels")],
        "continues": bool(sent.get("continues")),
        "repeat_s": number(sent.get("repeat_s", "0"), "repeat_s"),
        "escalation": steps,
    }


def number(text: str, field: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise InvalidInput(f"{field}: expected whole numbers.", field=field)
    return int(text)


def form_of(sent: QueryDict | None, edited: Route | None) -> dict[str, Any]:
    """What the form says: as it was posted, as the route is, or empty."""
    if sent is not None:
        chosen = set(sent.getlist("channels"))
        steps = [(after, set(sent.getlist(f"step-{place}"))) for place, after in enumerate(sent.getlist("after"))]
        form: dict[str, Any] = {name: sent.get(name, "") for name in ("name", "matchers", "continues", "repeat_s")}
    elif edited:
        chosen = {str(channel.pk) for channel in edited.channels.all()}
        steps = [(str(one["after_s"] // MINUTE), {str(pk) for pk in one["channels"]}) for one in edited.escalation]
        form = {
            "name": edited.name,
            "matchers": matcher_lines(edited.matchers),
            "continues": edited.continues,
            "repeat_s": str(edited.repeat_s),
        }
    else:
        chosen, steps = set(), []
        form = {"name": "", "matchers": "", "continues": False, "repeat_s": str(routing.REPEAT_S)}
    return form | {"channels": chosen, "steps": padded(steps)}


def padded(steps: Sequence[tuple[str, set[str]]]) -> list[tuple[int, str, set[str]]]:
    """The steps that are there and an empty one to fill."""
    there = [(after, channels) for after, channels in steps if after or channels]
    return [(place, *step) for place, step in enumerate([*there, *[("", set[str]())] * MORE_STEPS])]


def labels_of(text: str) -> dict[str, str]:
    """Labels written as matchers are: `agent="planner"`.

    Raises:
        InvalidInput: one is written in another way, or is no plain equality.
    """
    found = matchers.parse(text, "labels")
    if any(one.is_regex or not one.is_equal for one in found):
        raise InvalidInput('labels: expected plain ones such as agent="planner".', field="labels")
    return {one.name: one.value for one in found}


def listed(request: HttpRequest, project: str) -> dict[str, Any]:
    channels = {one.pk: one for one in Channel.objects.filter(project__slug=project, deleted_at=None).order_by("name")}
    rows = []
    for route in routing.listed(project):
        steps = [
            (one["after_s"], [channels[pk].name for pk in one["channels"] if pk in channels])
            for one in route.escalation
        ]
        rows.append((route, steps))
    deleted = request.session.get(DELETED) or {}
    named = {channel.pk for route, _ in rows for channel in route.channels.all()}
    named |= {pk for route, _ in rows for step in route.escalation for pk in step["channels"]}
    return {
        "rows": rows,
        "channels": [(str(pk), one) for pk, one in channels.items()],
        "unrouted": [one for pk, one in channels.items() if pk not in named and one.enabled],
        "repeats": REPEATS,
        "may_change": may_administer(request, project),
        "can_undo": bool(request.GET.get("deleted")) and deleted.get("project") == project,
    }
