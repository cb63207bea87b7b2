"""What a search rule looks for now: its own search, or that of the saved view it follows."""

from __future__ import annotations

from tracestore.alerts.conditions.condition import SearchCondition
from tracestore.errors import InvalidInput
from tracestore.models import SavedView
from tracestore.search.parser import parse
from tracestore.search.tree import Node


def search_of(project: str, condition: SearchCondition) -> Node | None:
    """The search as a tree; None for one that finds all traces.

    Raises:
        InvalidInput: the view is gone or not shared any more, or the search is none.
    """
    if condition.view is None:
        return parse(condition.query)
    view = SavedView.objects.filter(pk=condition.view, project__slug=project, shared=True, deleted_at=None).first()
    if view is None:
        raise InvalidInput("The saved view that the rule follows was deleted or is not shared any more.", field="view")
    return parse(view.query)
