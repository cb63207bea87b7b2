"""Own prices: list and change them, and recalculate stored costs in the background."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import price_shapes
from dashboard.api.endpoint import Endpoint
from dashboard.api.schema import PROJECT, answers
from dashboard.price_input import OPTIONAL, REQUIRED, TEXTS, TIMES, read_moment, read_price, read_text
from tracestore import prices
from tracestore.clickhouse import repricing
from tracestore.clickhouse.repricing import Calls
from tracestore.errors import InvalidInput, NotFound, TracestoreError
from tracestore.models import PriceOverride, Repricing
from tracestore.moments import utc_text_if
from tracestore.repricing import start

#: Recalculations that are listed, the latest first.
LISTED = 50
#: A project with more prices than this has made a mistake; the bound keeps ingest's look-up quick.
MOST_PRICES = 1000

PRICE_ID = OpenApiParameter("price_id", OpenApiTypes.INT, OpenApiParameter.PATH)
REPRICING_ID = OpenApiParameter("repricing_id", OpenApiTypes.INT, OpenApiParameter.PATH)


def made(shape: Any, status: int, *fails: int) -> dict[int, Any]:
    """As `answers`, for a success that is not 200."""
    found = answers(shape, *fails)
    return {status: found.pop(200), **found}


class PriceList(Endpoint):
    @extend_schema(
        operation_id="prices_list",
        tags=["prices"],
        summary="List own prices",
        description="The project's own prices, which go before the built-in table, in the order in which they count.",
        parameters=[PROJECT],
        responses=answers(price_shapes.PricePage),
    )
    def get(self, request: Request) -> Response:
        rows = {row.pk: row for row in own(self.project)}
        order = [found.id for found in prices.overrides_of(self.project).prices]
        return Response({"results": [price(rows[pk]) for pk in order if pk in rows], "next": None})

    @extend_schema(
        operation_id="prices_create",
        tags=["prices"],
        summary="Set a price",
        description="Counts for calls received from now on, within seconds. `stored_calls` says how many stored ones "
        "it is about; they keep their cost until they are recalculated.",
        parameters=[PROJECT],
        request=price_shapes.PriceFields,
        responses=made(price_shapes.ChangedPrice, 201, 400),
    )
    def post(self, request: Request) -> Response:
        values = read_price(request.data)
        if own(self.project).count() >= MOST_PRICES:
            raise InvalidInput(f"There are {MOST_PRICES} prices: expected a pattern instead of another.", field="model")
        row = prices.create(self.project, values, request.user or None)
        return Response(price(row) | {"stored_calls": stored_calls(row)}, status=201)


class PriceItem(Endpoint):
    @extend_schema(
        operation_id="prices_read",
        tags=["prices"],
        summary="Read a price",
        description="One own price, with how many stored calls it is about.",
        parameters=[PRICE_ID, PROJECT],
        responses=answers(price_shapes.ChangedPrice, 404),
    )
    def get(self, request: Request, price_id: int) -> Response:
        row = find(self.project, price_id)
        return Response(price(row) | {"stored_calls": stored_calls(row)})

    @extend_schema(
        operation_id="prices_update",
        tags=["prices"],
        summary="Change a price",
        description="Only the fields that are sent change. Stored calls keep their cost until they are recalculated.",
        parameters=[PRICE_ID, PROJECT],
        request=price_shapes.PriceFields,
        responses=answers(price_shapes.ChangedPrice, 400, 404),
    )
    def patch(self, request: Request, price_id: int) -> Response:
        row = find(self.project, price_id)
        row = prices.change(row, read_price(request.data, fields_of(row)))
        return Response(price(row) | {"stored_calls": stored_calls(row)})

    @extend_schema(
        operation_id="prices_replace",
        tags=["prices"],
        summary="Replace a price",
        description="As a change, but what is not sent is empty afterwards.",
        parameters=[PRICE_ID, PROJECT],
        request=price_shapes.PriceFields,
        responses=answers(price_shapes.ChangedPrice, 400, 404),
    )
    def put(self, request: Request, price_id: int) -> Response:
        row = prices.change(find(self.project, price_id), read_price(request.data))
        return Response(price(row) | {"stored_calls": stored_calls(row)})

    @extend_schema(
        operation_id="prices_delete",
        tags=["prices"],
        summary="Delete a price",
        description="Answers with the price that was, and how many stored calls it is about.",
        parameters=[PRICE_ID, PROJECT],
        responses=answers(price_shapes.ChangedPrice, 404),
    )
    def delete(self, request: Request, price_id: int) -> Response:
        row = find(self.project, price_id)
        answer = price(row) | {"stored_calls": stored_calls(row)}
        row.delete()
        return Response(answer)


class Repricings(Endpoint):
    @extend_schema(
        operation_id="prices_repricings",
        tags=["prices"],
        summary="List recalculations",
        description="Recalculations of stored costs, the latest first, with what they changed.",
        parameters=[PROJECT],
        responses=answers(price_shapes.RepricingPage),
    )
    def get(self, request: Request) -> Response:
        rows = Repricing.objects.filter(project__slug=self.project).order_by("-pk")[:LISTED]
        return Response({"results": [repricing_job(row) for row in rows], "next": None})

    @extend_schema(
        operation_id="prices_reprice",
        tags=["prices"],
        summary="Recalculate stored costs",
        description="Starts a recalculation in the background, of all calls or of those that fit. Costs that are "
        "right already stay; starting it twice does no harm.",
        parameters=[PROJECT],
        request=price_shapes.RepricingFields,
        responses=made(price_shapes.Repricing, 202, 400, 429, 503),
    )
    def post(self, request: Request) -> Response:
        calls = read_calls(self.project, request.data)
        return Response(repricing_job(start(calls, request.user or None)), status=202)


class RepricingItem(Endpoint):
    @extend_schema(
        operation_id="prices_repricing",
        tags=["prices"],
        summary="Read a recalculation",
        description="How far a recalculation is, and what it changed.",
        parameters=[REPRICING_ID, PROJECT],
        responses=answers(price_shapes.Repricing, 404),
    )
    def get(self, request: Request, repricing_id: int) -> Response:
        row = Repricing.objects.filter(project__slug=self.project, pk=repricing_id).first()
        if row is None:
            raise NotFound("There is no such recalculation in this project.")
        return Response(repricing_job(row))


def own(project: str) -> Any:
    return PriceOverride.objects.filter(project__slug=project).select_related("project", "created_by")


def find(project: str, price_id: int) -> PriceOverride:
    row: PriceOverride | None = own(project).filter(pk=price_id).first()
    if row is None:
        raise NotFound("There is no such price in this project.")
    return row


def fields_of(row: PriceOverride) -> dict[str, Any]:
    return {name: getattr(row, name) for name in (*TEXTS, *REQUIRED, *OPTIONAL, *TIMES)}


def price(row: PriceOverride) -> dict[str, Any]:
    """A price as the API gives it; dollars as numbers."""
    numbers = {name: getattr(row, name) for name in (*REQUIRED, *OPTIONAL)}
    return {
        "id": row.pk,
        "model": row.model,
        "provider": row.provider,
        **{name: None if value is None else float(value) for name, value in numbers.items()},
        "currency": row.currency,
        "valid_from": utc_text_if(row.valid_from),
        "valid_until": utc_text_if(row.valid_until),
        "note": row.note,
        "revision": row.revision,
        "source": row.source,
        "created_at": utc_text_if(row.created_at),
        "created_by": row.created_by.get_username() if row.created_by else "",
    }


def stored_calls(row: PriceOverride) -> dict[str, Any] | None:
    """How many stored calls a price is about; None when the store cannot say, for the price is set all the same."""
    calls = prices.calls_of(row)
    try:
        found = repricing.touched(calls)
    except TracestoreError:
        return None
    return {
        "calls": found.calls,
        "unpriced": found.unpriced,
        "cost_usd": found.cost_usd,
        "reprice": prices.reprice_command(calls),
    }


def read_calls(project: str, sent: object) -> Calls:
    if not isinstance(sent, dict):
        raise InvalidInput("Expected an object with model, since and until, all optional.")
    for name in sent:
        if name not in ("model", "since", "until"):
            raise InvalidInput("There is no such field; expected model, since or until.", field=str(name)[:100])
    model = read_text("model", sent.get("model", ""), TEXTS["model"])
    since, until = read_moment("since", sent.get("since")), read_moment("until", sent.get("until"))
    if since and until and since >= until:
        raise InvalidInput("Expected a time after since.", field="until")
    return Calls(project, model, since=since, until=until)


def repricing_job(row: Repricing) -> dict[str, Any]:
    return {
        "id": row.pk,
        "model": row.model,
        "since": utc_text_if(row.since),
        "until": utc_text_if(row.until),
        "state": row.state,
        "message": row.message,
        "calls": row.calls,
        "seen": row.seen,
        "outcome": row.outcome,
        "requested_at": utc_text_if(row.requested_at),
        "told_at": utc_text_if(row.told_at),
    }
