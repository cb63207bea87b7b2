"""Which projects are to be deleted: nobody reads them, and no job works on them (`Project.closed_at`).

Everybody who asks for a project by `Project.objects` finds none of them; this is for what knows slugs alone.
"""

from __future__ import annotations

from tracestore.errors import NotFound
from tracestore.models import Project


def slugs() -> frozenset[str]:
    return frozenset(Project.every.exclude(closed_at=None).values_list("slug", flat=True))


def check(project: str) -> None:
    """Raises: NotFound, if the project is to be deleted: what works on it ends."""
    if Project.every.filter(slug=project).exclude(closed_at=None).exists():
        raise NotFound("The project is to be deleted.")
