"""`/brake/`: who is halted now and why, breakers, budgets; halting, lifting and releasing by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from dashboard.pages.access import form_page, may_administer, page
from dashboard.pages.changes import change, may_respond, response
from tracestore.alerts import breakers, budgets, halts
from tracestore.alerts.models import Breaker, BreakerChange, Budget, BudgetState, Halt
from tracestore.errors import Forbidden, InvalidInput
from tracestore.verdicts.in_force import ns

#: Rows of a table.
SHOWN: Final = 50
#: Changes of a breaker that its row unfolds.
CHANGES: Final = 8
#: For how long → words, and hours; 0 is until somebody lifts it.
LENGTHS: Final = {"1h": ("1 hour", 1), "24h": ("24 hours", 24), "lifted": ("until somebody lifts it", 0)}
#: What a verdict is asked about, in words.
WORDS: Final = {"agent": "agent", "trace_id": "run", "session_id": "session"}
SOURCES: Final = {"finding": "finding", "budget": "budget", "breaker": "breaker", "hand": "by hand"}
SCOPES: Final = {
    "run": "each run", "session": "each session", "user": "each user, a day", "agent": "each agent, a day",
    "day": "the project, a day",
}  # fmt: skip
UNITS: Final = {"usd": "USD", "tokens": "tokens", "steps": "steps", "minutes": "minutes"}


@dataclass(frozen=True, slots=True)
class HaltRow:
    halt: Halt
    kind: str
    source: str
    since_ns: int
    until_ns: int
    last_ns: int


@dataclass(frozen=True, slots=True)
class BreakerRow:
    breaker: Breaker
    name: str
    opened_ns: int
    trial_ns: int
    changes: list[tuple[BreakerChange, int]]


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """`states`: those for whom it warns or halts, with their share of the limit in percent."""

    budget: Budget
    limit: str
    scope: str
    states: list[tuple[BudgetState, str, float]]
    more: int


@page
def brake(request: HttpRequest, project: str) -> HttpResponse:
    return shown(request, project)


@form_page
def order(request: HttpRequest, project: str) -> HttpResponse:
    """Asks whether a run, a session or an agent really is to be halted, and for how long; and halts it."""
    if not may_respond(request, project):
        raise Forbidden("This needs the role member, admin or owner in the project.")
    sent = request.POST if request.method == "POST" else request.GET
    by, subject = sent.get("by", "agent"), sent.get("subject", "").strip()
    reason, length = sent.get("reason", "").strip(), sent.get("for", "1h")
    complaint, wrong = "", ""
    if request.method == "POST":
        try:
            if length not in LENGTHS:
                raise InvalidInput(f"for: expected one of {', '.join(LENGTHS)}.", field="for")
            if not reason:
                raise InvalidInput("reason: expected why, for those who find it halted.", field="reason")
            now, hours = timezone.now(), LENGTHS[length][1]
            until = now + timedelta(hours=hours) if hours else None
            made = halts.halt(project, by, subject, reason, request.user.get_username(), until, now=now)
            return redirect(f"{reverse('brake')}?halted={made.pk}")
        except InvalidInput as error:
            complaint, wrong = error.message, error.field
    context: dict[str, Any] = {
        "by": by, "subject": subject, "kind": WORDS.get(by, "agent"), "words": WORDS, "reason": reason,
        "lengths": [(key, words) for key, (words, _) in LENGTHS.items()], "length": length, "complaint": complaint,
        "wrong": wrong, "most_reason": halts.MOST_REASON,
    }  # fmt: skip
    return render(request, "dashboard/brake/halt.html", context, status=400 if complaint else 200)


@response
def lift(request: HttpRequest, project: str, number: int) -> HttpResponse:
    halts.lift(project, number, request.user.get_username(), request.POST.get("reason", ""))
    return redirect("brake")


@response
def open_breaker(request: HttpRequest, project: str) -> HttpResponse:
    sent = {name: request.POST.get(name, "") for name in ("agent", "tool", "reason")}
    try:
        breakers.open_by_hand(project, sent["agent"], sent["tool"], sent["reason"], request.user.get_username())
    except InvalidInput as error:
        return shown(request, project, {"breaker_complaint": error.message, "breaker_sent": sent})
    return redirect(f"{reverse('brake')}#breakers")


@response
def release(request: HttpRequest, project: str, number: int) -> HttpResponse:
    breakers.release(project, number, request.user.get_username(), request.POST.get("reason", ""))
    return redirect(f"{reverse('brake')}#breakers")


@change
def save_budget(request: HttpRequest, project: str) -> HttpResponse:
    """Makes a budget of the form, or changes the one that it names."""
    number = request.POST.get("id", "")
    try:
        fields = posted(request.POST)
        if number.isascii() and number.isdecimal() and len(number) < 19:
            budgets.change(project, int(number), fields)
        else:
            budgets.create(project, fields)
    except InvalidInput as error:
        names = ("id", "name", "measure", "scope", "limit", "warn", "agent")
        sent: dict[str, Any] = {name: request.POST.get(name, "") for name in names}
        sent |= {"halts": request.POST.get("halts") == "on", "halt_on_burn": request.POST.get("halt_on_burn") == "on"}
        return shown(request, project, {"budget_complaint": error.message, "budget_sent": sent})
    return redirect(f"{reverse('brake')}#budgets")


@change
def budget_act(request: HttpRequest, project: str, number: int) -> HttpResponse:
    match request.POST.get("do"):
        case "delete":
            budgets.delete(project, number)
            return redirect(f"{reverse('brake')}?deleted={number}#budgets")
        case "restore":
            budgets.restore(project, number)
        case "on" | "off" as switch:
            budgets.change(project, number, {"enabled": switch == "on"})
        case _:
            raise InvalidInput("Expected one of delete, restore, on, off.", field="do")
    return redirect(f"{reverse('brake')}#budgets")


def shown(request: HttpRequest, project: str, also: Mapping[str, Any] | None = None) -> HttpResponse:
    now = timezone.now()
    active = list(halts.active(project, now)[: SHOWN + 1])
    past = list(halts.of(project).exclude(pk__in=[one.pk for one in active])[:SHOWN])
    found = list(breakers.listed(project)[:SHOWN])
    states = list(budgets.states(project)[:1000])
    deleted = request.GET.get("deleted", "")
    edited = request.GET.get("budget", "")
    own = list(budgets.listed(project))
    context: dict[str, Any] = {
        "active": [halt_row(one) for one in active[:SHOWN]],
        "more_active": len(active) > SHOWN,
        "past": [halt_row(one) for one in past],
        "breakers": [breaker_row(one) for one in found],
        "budgets": [budget_row(one, states) for one in own],
        "budget_sent": next((form_of(one) for one in own if str(one.pk) == edited), None),
        "deleted": deleted if deleted.isascii() and deleted.isdecimal() and len(deleted) < 19 else "",
        "scopes": SCOPES, "measures": UNITS, "words": WORDS,
        "may_respond": may_respond(request, project), "may_change": may_administer(request, project),
        "most_reason": halts.MOST_LIFT_REASON,
        **(also or {}),
    }  # fmt: skip
    complaint = also is not None
    return render(request, "dashboard/brake/brake.html", context, status=400 if complaint else 200)


def posted(sent: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a budget's form. Raises: InvalidInput, where a number is none."""
    percent = number_of(sent.get("warn", "") or "80", "warn")
    return {
        "name": sent.get("name", ""), "measure": sent.get("measure", ""), "scope": sent.get("scope", ""),
        "limit": number_of(sent.get("limit", ""), "limit"), "warn_share": percent / 100,
        "agent": sent.get("agent", ""), "halts": sent.get("halts") == "on",
        "halt_on_burn": sent.get("halt_on_burn") == "on",
    }  # fmt: skip


def number_of(text: str, field: str) -> float:
    try:
        return float(text.strip().replace(",", ""))
    except ValueError:
        raise InvalidInput(f"{field}: expected a number, got {text[:100]!r}.", field=field) from None


def form_of(one: Budget) -> dict[str, Any]:
    return {
        "id": one.pk, "name": one.name, "measure": one.measure, "scope": one.scope, "limit": f"{one.limit:g}",
        "warn": f"{one.warn_share * 100:g}", "agent": one.agent, "halts": one.halts, "halt_on_burn": one.halt_on_burn,
    }  # fmt: skip


def halt_row(one: Halt) -> HaltRow:
    until = one.lifted_at or one.until
    return HaltRow(
        one, WORDS.get(one.by, one.by), SOURCES.get(one.source, one.source), ns(one.since), ns(until),
        ns(one.last_told_at),
    )  # fmt: skip


def breaker_row(one: Breaker) -> BreakerRow:
    name = " of ".join(filter(None, (one.tool, one.agent)))
    changes = [(change, ns(change.at)) for change in breakers.history(one, CHANGES)]
    return BreakerRow(one, name, ns(one.opened_at), ns(one.trial_at), changes)


def budget_row(one: Budget, states: list[BudgetState]) -> BudgetRow:
    own = [state for state in states if state.budget_id == one.pk]
    return BudgetRow(
        one, amount(one, one.limit), SCOPES.get(one.scope, one.scope),
        [(state, amount(one, state.spent), 100 * state.spent / one.limit) for state in own[:5]], max(len(own) - 5, 0),
    )  # fmt: skip


def amount(of: Budget, value: float) -> str:
    """With the digits that matter, and the unit."""
    digits = 2 if of.measure == "usd" else 1 if of.measure == "minutes" else 0
    return f"{value:,.{digits}f} {UNITS.get(of.measure, of.measure)}"
