"""Prices that a project sets itself, and recalculations of what was stored."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from tracestore.models.tenancy import Project


def dollars(*, optional: bool = False) -> models.DecimalField[Any, Any]:
    """US dollars for a million tokens, exact to a billionth."""
    return models.DecimalField(max_digits=18, decimal_places=9, null=optional, blank=optional)


class PriceOverride(models.Model):
    """A project's own price of a model, in US dollars for a million tokens; goes before the built-in table.

    `model` is a name or a pattern with `*` and `?`; which of several counts says
    `tracestore.spans.own_prices`. An empty price of cached tokens means that of the input, an empty
    one of reasoning that of the output. `revision` counts the changes, so that the source of a
    stored cost (`project override 12 revision 2`) always means one price.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="price_overrides")
    model = models.CharField(max_length=200)
    provider = models.CharField(max_length=100, blank=True)
    input_per_million = dollars()
    output_per_million = dollars()
    cache_read_per_million = dollars(optional=True)
    cache_write_per_million = dollars(optional=True)
    reasoning_per_million = dollars(optional=True)
    currency = models.CharField(max_length=3, default="USD")
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_until = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=500, blank=True)
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)

    def __str__(self) -> str:
        return f"{self.source}: {self.model}"

    @property
    def source(self) -> str:
        """What `price_source` says of a cost that this made."""
        return f"project override {self.pk}" + (f" revision {self.revision}" if self.revision > 1 else "")


class Repricing(models.Model):
    """One recalculation of stored costs in the background, and how far it is.

    `outcome` is what `tracestore.repricing.Outcome` says, by model. A running one that has not told
    anything for a while (`told_at`) was killed with its worker; starting another is always safe.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="repricings")
    model = models.CharField(max_length=200, blank=True)
    since = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    message = models.CharField(max_length=300, blank=True)
    calls = models.PositiveBigIntegerField(default=0)
    seen = models.PositiveBigIntegerField(default=0)
    outcome = models.JSONField(default=list)
    requested_at = models.DateTimeField(default=timezone.now)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    told_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.state}: {self.model or 'all models'} of {self.project}"
