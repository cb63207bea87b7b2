"""`/rules/`: the alert rules and how each stands; `/rules/ID/`: one, its form, what it did, and a try on the past."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from dashboard.pages import rule_figures, rule_form
from dashboard.pages.access import form_page, may_administer, page
from dashboard.pages.changes import change
from dashboard.pages.rule_form import Typed
from tracestore.alerts import builtin_rules, preview, rule_state, rule_words, rules
from tracestore.alerts.conditions import condition as conditions
from tracestore.alerts.models import AlertRule
from tracestore.errors import Forbidden, InvalidInput, TracestoreError
from tracestore.moments import nanoseconds_if

#: In the browser's session: the rule that was just deleted, told once.
DELETED: Final = "deleted_rule"
#: What is asked about the past: since → in words.
PASTS: Final = {"24h": "the last day", "7d": "the last 7 days", "30d": "the last 30 days"}
#: Stretches of a try that are listed; the API has all.
LISTED: Final = 20


@page
def rule_list(request: HttpRequest, project: str) -> HttpResponse:
    found = list(rules.listed(project))
    # What fires comes first, what is off last; else by name.
    listed = sorted(rows(found), key=lambda row: (not row["state"].firing, not row["rule"].enabled))
    context = {
        "rows": listed,
        "may_change": may_administer(request, project),
        "deleted": request.session.pop(DELETED, None),
        "deleted_builtin": rules.deleted_builtin(project),
        "firing": sum(row["state"].firing for row in listed),
        "on": sum(rule.enabled for rule in found),
    }
    return render(request, "dashboard/rules/list.html", context)


@form_page
def new_rule(request: HttpRequest, project: str) -> HttpResponse:
    """The form of a rule that is not there yet; its form is posted here."""
    if request.method != "POST":
        return form(request, project, None, rule_form.fresh())
    return save(request, project, None)


@form_page
def rule(request: HttpRequest, project: str, number: int) -> HttpResponse:
    """The page of one rule; its form is posted here."""
    found = rules.find(project, number)
    if request.method != "POST":
        return form(request, project, found, rule_form.typed(rules.fields_of(found)))
    return save(request, project, found)


def save(request: HttpRequest, project: str, before: AlertRule | None) -> HttpResponse:
    """Stores what the form says and shows it; what cannot be is told beside the form."""
    if not may_administer(request, project):
        raise Forbidden("Only an owner or admin of the project may change its alert rules.")
    sent = typed(request)
    try:
        fields = rule_form.fields_of(sent)
        who = request.user.get_username()
        made = rules.change(project, before.pk, fields, who) if before else rules.create(project, fields, who)
    except InvalidInput as error:
        return form(request, project, before, sent, error)
    return redirect(f"{reverse('rule', args=[made.pk])}?saved=1")


@change
def do(request: HttpRequest, project: str, number: int) -> HttpResponse:
    """Does what a button says; by htmx the answer to a switch is the rule's row."""
    who = request.user.get_username()
    match request.POST.get("do"):
        case "enable" | "disable" as what:
            found = rules.enable(project, number, what == "enable", who)
            if request.headers.get("HX-Request"):
                context = {"row": rows([found])[0], "may_change": True}
                return render(request, "dashboard/rules/row.html", context)
        case "delete":
            found = rules.delete(project, number, who)
            request.session[DELETED] = {"id": found.pk, "name": found.name}
        case "restore":
            rules.restore(project, number, who)
        case "duplicate":
            return redirect("rule", rules.duplicate(project, number, who).pk)
        case "reset":
            rules.reset(project, number, who)
            return redirect(f"{reverse('rule', args=[number])}?saved=1")
        case _:
            raise InvalidInput("Expected one of enable, disable, delete, restore, duplicate, reset.", field="do")
    return redirect("rules")


@change
def try_rule(request: HttpRequest, project: str) -> HttpResponse:
    """What the rule of the form would have done; by htmx the answer is the part of the page that tells it."""
    sent = typed(request)
    number = request.POST.get("rule", "")
    before = rules.find(project, int(number)) if number.isascii() and number.isdecimal() and len(number) < 19 else None
    since = request.POST.get("past", "7d")
    complaint: InvalidInput | None = None
    context: dict[str, Any] = {}
    try:
        if since not in PASTS:
            raise InvalidInput(f"past={since[:60]!r}: expected one of {', '.join(PASTS)}.", field="past")
        context = tried(project, rule_form.fields_of(sent), since)
    except InvalidInput as error:
        complaint = error
        context = {"refused": error.message}
    except TracestoreError as error:
        context = {"refused": error.message}
    if request.headers.get("HX-Request"):
        # 200 also for a refusal: htmx swaps nothing in otherwise, and nothing was to be stored.
        return render(request, "dashboard/rules/preview.html", context)
    return form(request, project, before, sent, complaint, context)


def tried(project: str, fields: dict[str, Any], since: str) -> dict[str, Any]:
    """What the part about a try needs.

    Raises:
        InvalidInput, Unavailable: as `preview.preview`.
    """
    found = preview.preview(project, fields, since)
    condition = conditions.parse(fields["kind"], fields["condition"])
    return {
        "preview": found,
        "says": rule_words.says(condition, rule_state.view_name(fields["condition"])),
        "timing": rule_words.timing(fields["hold_s"], fields["keep_firing_s"]),
        "fired": [rule_figures.fired(one, condition) for one in found.fired[:LISTED]],
        "fired_more": max(len(found.fired) - LISTED, 0),
        "chart": rule_figures.chart(found, condition),
    }


def form(
    request: HttpRequest,
    project: str,
    before: AlertRule | None,
    sent: Typed,
    complaint: InvalidInput | None = None,
    tried: dict[str, Any] | None = None,
) -> HttpResponse:
    kind = "".join(sent.get("kind", ())[-1:])
    wrong = rule_form.input_of(complaint.field, kind) if complaint else ""
    context: dict[str, Any] = {
        "general": rule_form.general(sent, wrong),
        "kinds": [
            (name, *rule_form.KINDS[name], inputs) for name, inputs in rule_form.of_kinds(project, sent, wrong).items()
        ],
        "kind": kind,
        "rule": before,
        "complaint": complaint.message if complaint else "",
        "wrong": wrong,
        "saved": request.GET.get("saved") == "1",
        "may_change": may_administer(request, project),
        "pasts": PASTS,
        "past": request.POST.get("past", "7d"),
        **(tried or {}),
    }
    if before:
        context |= {
            "row": rows([before])[0],
            "rule_timing": rule_words.timing(before.hold_s, before.keep_firing_s),
            "is_shipped": builtin_rules.is_shipped(before),
            "is_changed": builtin_rules.is_changed(before),
            "history": [rule_figures.alert(one) for one in rule_state.history(before)],
        }
    return render(request, "dashboard/rules/rule.html", context, status=400 if complaint else 200)


def typed(request: HttpRequest) -> Typed:
    return {name: [str(one) for one in values] for name, values in request.POST.lists()}


def rows(found: list[AlertRule]) -> list[dict[str, Any]]:
    """A rule with what it says and how it stands, for the template."""
    states, said = rule_state.of(found), rule_state.sentences(found)
    return [
        {
            "rule": one,
            "says": said[one.pk],
            "state": states[one.pk],
            "last_ns": nanoseconds_if(states[one.pk].last_fired_at),
            "evaluated_ns": nanoseconds_if(one.evaluated_at),
        }
        for one in found
    ]
