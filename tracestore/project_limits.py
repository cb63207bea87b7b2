"""The limits of projects on what they send, as stored. Ingest holds them (`ingest/rate_limit.py`)."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from tracestore.books import Book
from tracestore.errors import NotFound
from tracestore.models import Project, ProjectLimits
from tracestore.rates import NAMES, Rates, changed


def of(project: str) -> Rates:
    """The limits of a project; none where nobody set any."""
    row = ProjectLimits.objects.filter(project__slug=project).first()
    return rates_of(row) if row else Rates()


def change(project: str, sent: Mapping[str, int | None]) -> Rates:
    """Stores what was sent (name → number, None for no limit), leaves the rest, and gives all.

    Ingest hears of it within `tracestore.books.REFRESH_SECONDS`.

    Raises:
        InvalidInput: see `tracestore.rates.changed`.
        NotFound: there is no such project.
    """
    with transaction.atomic():
        # Locked where the database can, so that two changes of different limits are both kept.
        found = Project.objects.select_for_update().filter(slug=project).first()
        if found is None:
            raise NotFound("There is no such project.")
        rates = changed(of(project), sent)
        ProjectLimits.objects.update_or_create(project=found, defaults={name: getattr(rates, name) for name in NAMES})
    return rates


def book() -> Book[Rates]:
    """The limits of all projects that have any, for ingest. Before they could be read once there are none:
    a database that is away must not keep spans out.
    """
    return Book("limits", of_all)


def of_all() -> dict[str, Rates]:
    rows = ProjectLimits.objects.select_related("project")
    return {row.project.slug: rates for row in rows if (rates := rates_of(row)) != Rates()}


def rates_of(row: ProjectLimits) -> Rates:
    return Rates(row.spans_per_second, row.burst, row.bytes_per_second)
