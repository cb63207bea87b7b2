"""Rules, and until where passes have read."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from tracestore.models import Project


class Severity(models.TextChoices):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class AlertRule(models.Model):
    """When something is wrong enough to be told. `condition` is one of `tracestore.alerts.conditions`, as JSON.

    `hold_s`: how long it must be so before it fires; `keep_firing_s`: how long it must not be so before it is over.
    `group_by`: the labels that make one incident; empty means as the kind of condition usually does.
    `builtin` names the shipped rule that this row is (changed or not), '' for one of the project's own.
    """

    class Kind(models.TextChoices):
        FINDINGS = "findings"
        METRIC = "metric"
        SEARCH = "search"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="alert_rules")
    name = models.CharField(max_length=120)
    builtin = models.CharField(max_length=60, blank=True)
    enabled = models.BooleanField(default=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    condition = models.JSONField(default=dict)
    hold_s = models.PositiveIntegerField(default=0)
    keep_firing_s = models.PositiveIntegerField(default=300)
    severity = models.CharField(max_length=8, choices=Severity.choices, default=Severity.WARNING)
    halts = models.BooleanField(default=False)
    owner = models.CharField(max_length=120, blank=True)
    runbook_url = models.CharField(max_length=500, blank=True)
    labels = models.JSONField(default=dict)
    group_by = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    #: When it was last evaluated, and what went wrong then ('' = nothing).
    evaluated_at = models.DateTimeField(null=True, blank=True)
    failure = models.CharField(max_length=300, blank=True)
    #: Deleted ones are kept for a while, so that deleting can be undone.
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["project", "name"], condition=models.Q(deleted_at=None), name="one_alert_rule_of_a_name"
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} of {self.project}"


class AlertWatermark(models.Model):
    """Until where a pass has read (microseconds or versions of ClickHouse rows), by name."""

    name = models.CharField(max_length=60, unique=True)
    value = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"
