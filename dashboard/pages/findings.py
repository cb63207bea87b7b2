"""`/findings/`: the problems that detectors found, a row each; `/findings/{id}/`: one, and what to say of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from dashboard.api.filters import MAX_TEXT
from dashboard.api.findings import known
from dashboard.evidence_view import evidence_view
from dashboard.pages import traces
from dashboard.pages.access import may_administer, page
from dashboard.pages.changes import change
from dashboard.pages.detectors import brief
from dashboard.pages.time_range import time_range
from tracestore import detector_settings, feedback, verdicts
from tracestore.alerts import reading as incidents
from tracestore.clickhouse.concurrently import both
from tracestore.clickhouse.detecting import findings, problems
from tracestore.clickhouse.detecting.findings import SEVERITIES, FindingFilter, StoredFinding
from tracestore.clickhouse.detecting.problems import Problem, Wanted
from tracestore.errors import InvalidInput, Unavailable

#: Problems of one page, and other occurrences of one; the API has all.
SHOWN: Final = 200
OCCURRENCES: Final = 20
#: Spans of the evidence that are linked one by one.
SPANS: Final = 30
#: The badge of the navigation counts what was seen since.
RECENT: Final = timedelta(days=1)

#: Family of a cause → in one word, and in a sentence.
CAUSES: Final = {
    "data": ("data", "What came in: a retrieval, stale or empty input, a text from outside."),
    "tool": ("tool", "The tool itself or its code."),
    "system": ("system", "The system around: time-outs, rate limits, orchestration, the process."),
    "model": ("model", "What the model put out: its decisions, answers, calls."),
    "unknown": ("not known", "The evidence does not tell."),
}
ORDERS: Final = (("severity", "severity"), ("wasted", "wasted cost"), ("seen", "last seen"))


@dataclass(frozen=True, slots=True)
class Row:
    """A problem and its bars: place, top and height on a grid of `problems.PARTS` times 3 by 16."""

    problem: Problem
    title: str
    bars: list[tuple[int, int, int]]


@page
def finding_list(request: HttpRequest, project: str) -> HttpResponse:
    chosen, wanted = time_range(request, project), wanted_of(request)
    found, agents = both(
        lambda: problems.listed(chosen.period, wanted, limit=SHOWN + 1), lambda: problems.agents(chosen.period)
    )
    titles = {name: parts[0].title for name, parts in detector_settings.by_id().items()}
    filtered = Wanted(order=wanted.order) != wanted
    context: dict[str, Any] = {
        "range": chosen,
        "range_keeps": [(name, value) for name, value in pairs(wanted).items()],
        "rows": [Row(one, titles.get(one.detector, one.detector), bars(one.parts)) for one in found[:SHOWN]],
        "more": len(found) > SHOWN,
        "width": 3 * problems.PARTS,
        "wanted": wanted,
        "filtered": filtered,
        "detectors": titles,
        "agents": sorted({*agents, *filter(None, [wanted.agent])}),
        "severities": SEVERITIES[::-1],
        "causes": {name: words for name, (words, _) in CAUSES.items()},
        "orders": ORDERS,
        "looked_for": looked_for() if not found and not filtered else [],
        "is_empty": not found and not filtered and traces.is_empty(project),
    }
    return render(request, "dashboard/findings/list.html", context)


@page
def open_count(request: HttpRequest, project: str) -> HttpResponse:
    """The badge of the navigation; nothing while the store does not answer, whose absence pages tell themselves."""
    try:
        count = problems.open_since(project, timezone.now() - RECENT)
    except Unavailable:
        return HttpResponse(status=204)
    return render(request, "dashboard/findings/badge.html", {"count": count})


@page
def finding(request: HttpRequest, project: str, finding_id: str) -> HttpResponse:
    one = findings.one(project, known(finding_id))
    others = findings.listed(project, FindingFilter(fingerprint=one.fingerprint), limit=OCCURRENCES + 1).results
    parts = detector_settings.by_id().get(one.detector, [])
    context = judged(request, project, one) | {
        "title": parts[0].title if parts else one.detector,
        "method": parts[0].method if parts else "",
        "is_known": bool(parts),
        "evidence": evidence_view(one.evidence, money=one.detector in ("cost_anomaly", "budget")),
        "spans": [(name, name == one.look_first) for name in one.span_ids[:SPANS]],
        "spans_hidden": max(len(one.span_ids) - SPANS, 0),
        "cause": CAUSES.get(one.cause, CAUSES["unknown"]),
        "others": [other for other in others if other.id != one.id][:OCCURRENCES],
        "more": len(others) > OCCURRENCES,
        "verdict": verdicts.verdict(project, "trace_id", one.trace_id) if one.trace_id else None,
        "incident": incidents.of_problem(project, one.fingerprint),
    }
    return render(request, "dashboard/findings/finding.html", context)


@change
def judge(request: HttpRequest, project: str, finding_id: str) -> HttpResponse:
    """Confirms or dismisses a finding or takes that back: by htmx the answer is the part of the page about it."""
    name = known(finding_id)
    match request.POST.get("do"):
        case "confirm":
            feedback.say(project, name, feedback.CONFIRMED, request.POST.get("reason", "").strip(), request.user)
        case "dismiss":
            feedback.say(project, name, feedback.DISMISSED, request.POST.get("reason", "").strip(), request.user)
        case "undo":
            feedback.take_back(project, name)
        case _:
            raise InvalidInput("Expected one of confirm, dismiss, undo.", field="do")
    if not request.headers.get("HX-Request"):
        return redirect("finding", name)
    context = judged(request, project, findings.one(project, name))
    response = render(request, "dashboard/findings/feedback.html", context)
    response["HX-Trigger"] = "judged"  # the badge of the navigation counts again
    return response


def judged(request: HttpRequest, project: str, one: StoredFinding) -> dict[str, Any]:
    """What the part about feedback needs."""
    return {
        "finding": one,
        "said": feedback.of(project, [one.id]).get(one.id),
        "may_change": may_administer(request, project),
        "most_reason": feedback.MOST_REASON,
    }


def wanted_of(request: HttpRequest) -> Wanted:
    """The filters that the address names.

    Raises:
        InvalidInput: one has a value that cannot be; names it.
    """
    texts = {name: request.GET.get(name, "").strip() for name in ("detector", "agent", "severity", "cause", "sort")}
    for name, value in texts.items():
        if len(value) > MAX_TEXT:
            raise InvalidInput(f"{name} is too long: at most {MAX_TEXT} characters.", field=name)
    order = texts.pop("sort") or problems.ORDERS[0]
    for name, value, possible in (
        ("severity", texts["severity"], SEVERITIES), ("cause", texts["cause"], tuple(CAUSES)),
        ("sort", order, problems.ORDERS),
    ):  # fmt: skip
        if value and value not in possible:
            raise InvalidInput(f"{name}={value[:100]!r} is not known: expected {', '.join(possible)}.", field=name)
    return Wanted(**texts, dismissed=request.GET.get("dismissed") == "1", order=order)


def pairs(wanted: Wanted) -> dict[str, str]:
    """The filters as an address says them; what is not set is left out."""
    found = {name: getattr(wanted, name) for name in ("detector", "agent", "severity", "cause")}
    found["sort"] = "" if wanted.order == problems.ORDERS[0] else wanted.order
    found["dismissed"] = "1" if wanted.dismissed else ""
    return {name: value for name, value in found.items() if value}


def bars(parts: list[int]) -> list[tuple[int, int, int]]:
    """A bar for each part of the time in which something was found; the highest reaches the top."""
    most = max(parts, default=0)
    found = []
    for place, count in enumerate(parts):
        if count:
            height = max(2, round(16 * count / most))
            found.append((3 * place, 16 - height, height))
    return found


def looked_for() -> list[tuple[str, str, str]]:
    """Id, title and method of what is on, for a page that has nothing else to show."""
    return [(name, parts[0].title, brief(parts)) for name, parts in detector_settings.by_id().items()]
