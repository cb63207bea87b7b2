"""`/incidents/{number}/halt/`: tells an agent, a run or a tool to stop, after a confirmation with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from dashboard.pages.access import form_page
from dashboard.pages.changes import may_respond
from dashboard.pages.incidents import row_of
from tracestore.alerts import reading
from tracestore.alerts.models import Incident
from tracestore.errors import Forbidden, InvalidInput

MOST_REASON: Final = 300
#: For how long → words and hours; 0 is until somebody lifts it.
LENGTHS: Final = {"1h": ("1 hour", 1), "24h": ("24 hours", 24), "lifted": ("until somebody lifts it", 0)}


@dataclass(frozen=True, slots=True)
class Target:
    """What can be halted: `key` in the form, what it is called, and what halting it means."""

    key: str
    kind: str
    subject: str
    meaning: str
    agent: str = ""


@form_page
def halt(request: HttpRequest, project: str, number: int) -> HttpResponse:
    one = reading.one(project, number)
    if not may_respond(request, project):
        raise Forbidden("This needs the role member, admin or owner in the project.")
    possible = targets(one)
    if not possible:
        raise InvalidInput("This incident names no agent, tool or run that could be halted.")
    complaint, wrong = "", ""
    chosen = request.POST.get("target") or request.GET.get("target") or possible[0].key
    reason = request.POST.get("reason", one.title[:MOST_REASON]).strip()
    length = request.POST.get("for", "lifted")
    if request.method == "POST":
        try:
            order(request, project, one, target_of(possible, chosen), reason, length)
            return redirect(f"{reverse('incident', args=[number])}?done=halt")
        except InvalidInput as error:
            complaint, wrong = error.message, error.field
    context: dict[str, Any] = {
        "incident": one,
        "targets": possible,
        "chosen": chosen,
        "reason": reason,
        "lengths": [(key, words) for key, (words, _) in LENGTHS.items()],
        "length": length,
        "most_reason": MOST_REASON,
        "complaint": complaint,
        "wrong": wrong,
    }
    return render(request, "dashboard/incidents/halt.html", context, status=400 if complaint else 200)


def order(request: HttpRequest, project: str, one: Incident, target: Target, reason: str, length: str) -> None:
    """Orders the halt.

    Raises:
        InvalidInput: the reason is empty or too long, the length is not known, or it cannot be halted.
    """
    from tracestore.alerts import breakers, halts

    if not 0 < len(reason) <= MOST_REASON:
        raise InvalidInput(f"reason: expected 1 to {MOST_REASON} characters.", field="reason")
    if length not in LENGTHS:
        raise InvalidInput(f"for: expected one of {', '.join(LENGTHS)}.", field="for")
    who, hours = request.user.get_username(), LENGTHS[length][1]
    if target.kind == "tool":
        breakers.open_by_hand(project, target.agent, target.subject, reason, who, incident=one)
    else:
        until = datetime.now(UTC) + timedelta(hours=hours) if hours else None
        by = "agent" if target.kind == "agent" else "trace_id"
        halts.halt(project, by, target.subject, reason, who, until=until, incident=one)


def targets(one: Incident) -> list[Target]:
    """What of this incident can be halted, the widest first."""
    agent, tool = str(one.labels.get("agent", "")), str(one.labels.get("tool", ""))
    found = []
    if agent:
        found.append(
            Target("agent", "agent", agent, "Each run of it is told to stop when it next asks for the verdict.")
        )
    if tool:
        whose = "of this agent" if agent else "of every agent"
        found.append(
            Target("tool", "tool", tool, f"The breaker opens: runs {whose} that ask before calling it stop.", agent)
        )
    for run in row_of(one).facts.runs:
        if run.trace_id and (run.running or len(one.facts.get("runs", ())) <= 5):
            found.append(Target(f"run-{run.trace_id}", "run", run.trace_id, run.name or "Only this run."))
    return found


def target_of(possible: list[Target], key: str) -> Target:
    for target in possible:
        if target.key == key:
            return target
    raise InvalidInput("Choose what to halt: expected one of those on the page.", field="target")
