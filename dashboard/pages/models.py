"""`/models/`: what each model was called for, those without a price first, and the project's own prices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse

from dashboard.api import prices as price_api
from dashboard.pages import series
from dashboard.pages.access import may_administer, page
from dashboard.pages.changes import change
from dashboard.pages.time_range import TimeRange, time_range
from dashboard.price_input import FIELDS, read_price
from tracestore import prices
from tracestore.clickhouse import model_usage
from tracestore.clickhouse.aggregates import spend
from tracestore.clickhouse.model_usage import ModelUsage
from tracestore.errors import InvalidInput, NotFound
from tracestore.models import PriceOverride, Repricing
from tracestore.repricing import is_going, start

#: Models shown at most; whoever has more reads the API.
SHOWN: Final = 500
DEFAULT_SINCE: Final = "7d"
#: Names of each list of spend; the API and SQL have all.
DEAREST: Final = 10


@dataclass(slots=True)
class Totals:
    calls: int
    unpriced: int
    unknown_models: int
    cost_usd: float | None


@page
def models(request: HttpRequest, project: str) -> HttpResponse:
    complaint, chosen, spent = "", None, {}
    try:
        chosen = time_range(request, project, default=DEFAULT_SINCE)
        since, until = chosen.period.since, chosen.period.until
        found = model_usage.model_usage(project, since, until, limit=SHOWN + 1)
        spent = spending(chosen) if found else {}
    except InvalidInput as error:
        complaint, found = error.message, []
    context = parts(request, project) | {
        "range": chosen,
        **spent,
        "models": found[:SHOWN],
        "more": len(found) > SHOWN,
        "totals": totals(found),
        "complaint": complaint,
        "since": chosen.since_text if chosen else DEFAULT_SINCE,
        "form": form_of(request.GET, project),
    }
    return render(request, "dashboard/models/models.html", context, status=400 if complaint else 200)


@change
def set_price(request: HttpRequest, project: str) -> HttpResponse:
    """Makes or changes a price from the form; on a mistake shows the form again with what was wrong."""
    sent = {name: request.POST[name] for name in FIELDS if request.POST.get(name)}
    number = request.POST.get("id", "")
    row = price_row(project, number) if number else None
    try:
        values = read_price(sent)
    except InvalidInput as error:
        form = {**request.POST.dict(), "open": True}
        context = parts(request, project) | {"form": form, "wrong": error, "only_form": True}
        return render(request, "dashboard/models/models.html", context, status=400)
    row = prices.change(row, values) if row else prices.create(project, values, request.user)
    return redirect(f"{reverse('models')}?saved={row.pk}#prices")


@change
def delete_price(request: HttpRequest, project: str, number: str) -> HttpResponse:
    price_row(project, number).delete()
    return redirect(f"{reverse('models')}#prices")


@change
def start_repricing(request: HttpRequest, project: str) -> HttpResponse:
    sent = {name: request.POST[name] for name in ("model", "since", "until") if request.POST.get(name)}
    start(price_api.read_calls(project, sent), request.user)
    return redirect(f"{reverse('models')}#repricing")


@page
def repricing(request: HttpRequest, project: str) -> HttpResponse:
    """How far the latest recalculation is: the fragment that its own poll replaces."""
    return render(request, "dashboard/models/repricing.html", {"job": latest_job(project)})


def spending(chosen: TimeRange) -> dict[str, Any]:
    """What was spent by model and agent over time, and by agent, user and session in sum."""
    spent = spend.spend_in_ways(chosen.period, ("model", "agent", "user", "session"), limit=DEAREST)
    return {
        "charts": [
            series.spend_by(chosen, "model", spent["model"], title="Spend by model"),
            series.spend_by(chosen, "agent", spent["agent"], title="Spend by agent"),
        ],
        "spent": [
            ("Agent", "agent", spent["agent"]),
            ("User", "user", spent["user"]),
            ("Session", "session", spent["session"]),
        ],
    }


def totals(rows: list[ModelUsage]) -> Totals:
    known = [row.cost_usd for row in rows if row.cost_usd is not None]
    return Totals(
        sum(row.calls for row in rows),
        sum(row.unpriced_calls for row in rows),
        sum(row.unpriced_calls > 0 for row in rows),
        sum(known) if known else None,
    )


def parts(request: HttpRequest, project: str) -> dict[str, Any]:
    """What the page has beside the table: own prices, and the recalculation."""
    rows = {row.pk: row for row in price_api.own(project)}
    ordered = [rows[found.id] for found in prices.overrides_of(project).prices if found.id in rows]
    saved = rows.get(whole(request.GET.get("saved", "")))
    return {
        "prices": ordered,
        "may_change": may_administer(request, project),
        "saved": saved,
        "stored": price_api.stored_calls(saved) if saved else None,
        "job": latest_job(project),
    }


def form_of(params: QueryDict, project: str) -> dict[str, Any]:
    """What stands in the form: a price that is to be changed, or the model that has none."""
    number = params.get("edit", "")
    if number:
        row = price_row(project, number)
        return {"id": row.pk, "open": True} | {
            name: as_typed(value) for name, value in price_api.fields_of(row).items() if value is not None
        }
    return {"model": params.get("model", ""), "provider": params.get("provider", ""), "open": bool(params.get("model"))}


def as_typed(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    text = str(value)
    return f"{value:f}".rstrip("0").rstrip(".") or "0" if hasattr(value, "is_finite") else text


def price_row(project: str, number: str) -> PriceOverride:
    if not whole(number):
        raise NotFound("There is no such price in this project.")
    return price_api.find(project, whole(number))


def whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else 0


def latest_job(project: str) -> dict[str, Any] | None:
    row = Repricing.objects.filter(project__slug=project).order_by("-pk").first()
    if row is None:
        return None
    going = is_going(row)
    return price_api.repricing_job(row) | {
        "going": going,
        "silent": not going and row.state in (Repricing.State.WAITING, Repricing.State.RUNNING),
        "changed": sum(one["calls"] for one in row.outcome),
    }
