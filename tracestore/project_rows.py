"""The rows of the metadata database that belong to a project: counted by table, by the way that deleting it takes."""

from __future__ import annotations

from functools import lru_cache

from django.db import models

from tracestore.models import Project


@lru_cache(maxsize=1)
def paths() -> dict[type[models.Model], str]:
    """Model → how it names its project (`project`, `incident__project`), the shortest way; the project itself `pk`."""
    found: dict[type[models.Model], str] = {Project: "pk"}
    waiting: list[type[models.Model]] = [Project]
    while waiting:
        parent = waiting.pop(0)
        for relation in parent._meta.get_fields(include_hidden=True):
            if not isinstance(relation, models.ManyToOneRel) or relation.on_delete is not models.CASCADE:
                continue
            child, name = relation.related_model, relation.field.name
            if isinstance(child, str) or child in found:
                continue
            found[child] = name if parent is Project else f"{name}__{found[parent]}"
            waiting.append(child)
    return found


def counts(project: int) -> dict[str, int]:
    """Table of the metadata database → its rows of the project with this key."""
    return {
        model._meta.db_table: model._base_manager.filter(**{path: project}).count() for model, path in paths().items()
    }
