"""Compare-and-swap on rows that have a `version`."""

from __future__ import annotations

from typing import Any

from django.db import models


def swap(row: models.Model, **changes: Any) -> bool:
    """Makes `changes` if the row still is at the version that was read, and raises the version by one.

    Returns whether it did; `row` then has the new values. In a transaction with the row that records the change
    (a transition, say), so that neither is ever there without the other.
    """
    version: int = row.version  # type: ignore[attr-defined]
    model = type(row)._default_manager
    if not model.filter(pk=row.pk, version=version).update(version=version + 1, **changes):
        return False
    for name, value in {**changes, "version": version + 1}.items():
        setattr(row, name, value)
    return True
