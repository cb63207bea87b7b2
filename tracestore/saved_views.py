"""Saved views of the trace list: whose they are, who may change them, and deletion that can be undone.

A view is its owner's; the others in the project see it when it is shared. Shared ones are changed by
their owner and by who administers the project; those that a key made have no owner and are shared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.utils import timezone

from tracestore.clickhouse.orders import ORDERS
from tracestore.errors import Forbidden, InvalidInput, NotFound
from tracestore.models import Project, SavedView
from tracestore.moments import parse_time
from tracestore.search.parser import parse

FIELDS: Final = ("name", "query", "since", "sort", "columns", "shared")
#: Columns of the trace list, in the order in which they are shown.
COLUMNS: Final = (
    "time", "name", "agent", "service", "session", "user", "duration", "spans", "llm", "tools", "errors",
    "input", "output", "cost", "status",
)  # fmt: skip
MOST: Final = 100
MOST_NAME: Final = 80
#: How long a deleted view can be brought back.
KEPT: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks: a user's id or None for a key, and whether they administer the project."""

    project: str
    user_id: int | None
    admin: bool

    def may_change(self, view: SavedView) -> bool:
        return self.admin if view.owner_id is None else view.owner_id == self.user_id or (view.shared and self.admin)


def of(viewer: Viewer) -> QuerySet[SavedView]:
    """The views that somebody sees, by name."""
    mine = Q(shared=True) if viewer.user_id is None else Q(shared=True) | Q(owner_id=viewer.user_id)
    return SavedView.objects.filter(mine, project__slug=viewer.project, deleted_at=None).order_by("name", "pk")


def find(viewer: Viewer, number: int, *, deleted: bool = False) -> SavedView:
    """A view that this viewer may change.

    Raises:
        NotFound: there is none such that they see.
        Forbidden: they see it but may not change it.
    """
    found = SavedView.objects.filter(project__slug=viewer.project, pk=number, deleted_at__isnull=not deleted).first()
    if found is None or not (found.shared or (found.owner_id is not None and found.owner_id == viewer.user_id)):
        raise NotFound("There is no such saved view.")
    if not viewer.may_change(found):
        raise Forbidden("Only its owner, or an owner or admin of the project, may change this view.")
    return found


def save(viewer: Viewer, sent: Mapping[str, Any], view: SavedView | None = None) -> SavedView:
    """Makes a view, or changes the fields that are given of one.

    Raises:
        InvalidInput: a field is unknown, missing or cannot be what it is; there are too many views.
        Forbidden: a shared one, by a key that does not administer the project.
        NotFound: there is no such project.
    """
    values = {name: checked(str(name), value) for name, value in sent.items()}
    if view is None:
        project = Project.objects.filter(slug=viewer.project).first()
        if project is None:
            raise NotFound("There is no such project.")
        if "name" not in values:
            raise InvalidInput("name: expected a name for the view.", field="name")
        if of(viewer).count() >= MOST:
            raise InvalidInput(f"There are {MOST} saved views: expected one of them to be deleted first.")
        view = SavedView(project=project, owner_id=viewer.user_id)
    for name, value in values.items():
        setattr(view, name, value)
    if viewer.user_id is None:
        view.shared = True
        if not viewer.admin:
            raise Forbidden("A view that a key saves is for the whole project: this needs the scope admin.")
    SavedView.objects.filter(project__slug=viewer.project, deleted_at__lt=timezone.now() - KEPT).delete()
    view.save()
    return view


def delete(viewer: Viewer, number: int) -> SavedView:
    """Raises: NotFound, Forbidden, as `find`."""
    view = find(viewer, number)
    view.deleted_at = timezone.now()
    view.save(update_fields=["deleted_at"])
    return view


def restore(viewer: Viewer, number: int) -> SavedView:
    """Raises: NotFound, Forbidden, as `find`; NotFound also after a day."""
    view = find(viewer, number, deleted=True)
    view.deleted_at = None
    view.save(update_fields=["deleted_at"])
    return view


def checked(name: str, value: object) -> object:
    """A field's value as it is stored.

    Raises:
        InvalidInput: there is no such field, or it cannot be that.
    """
    if name not in FIELDS:
        raise InvalidInput(f"There is no such field: expected some of {', '.join(FIELDS)}.", field=name[:100])
    if name == "shared":
        if not isinstance(value, bool):
            raise InvalidInput("shared: expected true or false.", field=name)
        return value
    if name == "columns":
        return columns(value)
    if not isinstance(value, str):
        raise InvalidInput(f"{name}: expected a text.", field=name)
    value = value.strip()
    if name == "name" and not 0 < len(value) <= MOST_NAME:
        raise InvalidInput(f"name: expected 1 to {MOST_NAME} characters.", field=name)
    if name == "query":
        try:
            parse(value)
        except InvalidInput as error:
            raise InvalidInput(error.message, field=name, offset=error.offset) from error
    if name == "since" and value:
        parse_time(value[:41], name)
    if name == "sort" and value and value not in ORDERS:
        raise InvalidInput(f"sort: expected one of {', '.join(ORDERS)}.", field=name)
    return value


def columns(value: object) -> list[str]:
    """Chosen columns in the order of the list; none means the usual ones.

    Raises:
        InvalidInput: it is no list of columns that there are.
    """
    if not isinstance(value, list) or any(one not in COLUMNS for one in value):
        raise InvalidInput(f"columns: expected a list of some of {', '.join(COLUMNS)}.", field="columns")
    return [name for name in COLUMNS if name in value]
