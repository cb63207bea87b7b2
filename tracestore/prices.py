"""Own prices as stored, in the form that costs are calculated with."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from tracestore.books import Book
from tracestore.clickhouse.repricing import Calls
from tracestore.models import PriceOverride, Project
from tracestore.moments import nanoseconds_if
from tracestore.spans.own_prices import Overrides, OwnPrice
from tracestore.spans.pricing import Price


def overrides_of(project: str) -> Overrides:
    """The own prices of a project as they are now, straight from the database."""
    return Overrides(as_own_price(row) for row in PriceOverride.objects.filter(project__slug=project))


def as_own_price(row: PriceOverride) -> OwnPrice:
    """The row in dollars per token; what is left empty costs what the tokens it is part of do."""
    return OwnPrice(
        id=row.pk,
        model=row.model,
        provider=row.provider,
        from_ns=nanoseconds_if(row.valid_from),
        until_ns=nanoseconds_if(row.valid_until),
        price=Price(
            input=per_token(row.input_per_million),
            output=per_token(row.output_per_million),
            cache_read=per_token(first(row.cache_read_per_million, row.input_per_million)),
            cache_write=per_token(first(row.cache_write_per_million, row.input_per_million)),
            reasoning=None if row.reasoning_per_million is None else per_token(row.reasoning_per_million),
            source=row.source,
        ),
    )


def first(own: Decimal | None, other: Decimal) -> Decimal:
    return other if own is None else own


def per_token(per_million: Decimal) -> float:
    return float(per_million / 1_000_000)


def book() -> Book[Overrides]:
    """The own prices of all projects that have any, for ingest."""
    return Book("prices", lambda: by_project(PriceOverride.objects.select_related("project")))


def by_project(rows: Iterable[PriceOverride]) -> dict[str, Overrides]:
    found: defaultdict[str, list[OwnPrice]] = defaultdict(list)
    for row in rows:
        found[row.project.slug].append(as_own_price(row))
    return {project: Overrides(prices) for project, prices in found.items()}


#: What a price is about and what it says; a change of any makes another revision.
_PRICING: Final = (
    "model", "provider", "input_per_million", "output_per_million", "cache_read_per_million",
    "cache_write_per_million", "reasoning_per_million", "valid_from", "valid_until",
)  # fmt: skip


def create(project: str, values: Mapping[str, Any], user: Any = None) -> PriceOverride:
    """A new price of a project from checked values (field names of `PriceOverride`)."""
    owner = Project.every.get_or_create(slug=project, defaults={"name": project})[0]
    return PriceOverride.objects.create(project=owner, created_by=user, **values)


def change(row: PriceOverride, values: Mapping[str, Any]) -> PriceOverride:
    """Stores checked values in a price; a new revision when it means something else now."""
    row.revision += any(getattr(row, name) != values.get(name, getattr(row, name)) for name in _PRICING)
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    return row


def calls_of(row: PriceOverride) -> Calls:
    """The stored calls that a price is about."""
    return Calls(row.project.slug, row.model, row.provider, row.valid_from, row.valid_until)


def reprice_command(calls: Calls) -> str:
    """What recalculates these calls, for a shell."""
    words = ["manage.py", "reprice", "--project", calls.project]
    if calls.model:
        words += ["--model", calls.model]
    for name, moment in (("--since", calls.since), ("--until", calls.until)):
        if moment is not None:
            words += [name, moment.isoformat()]
    return shlex.join(words)
