"""What a project has set about what it sends, keeps and shows."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from tracestore.models.tenancy import Project


class ProjectCapture(models.Model):
    """How much of what agents say is kept. Without a row: everything (`full`)."""

    class Mode(models.TextChoices):
        OFF = "off"
        PREVIEW = "preview"
        FULL = "full"

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="capture")
    mode = models.CharField(max_length=8, choices=Mode.choices, default=Mode.FULL)

    def __str__(self) -> str:
        return f"capture of {self.project}: {self.mode}"


class ProjectRetention(models.Model):
    """For how many days a project's data are kept. NULL keeps them for ever.

    Everything is kept unless somebody says otherwise: what is deleted cannot be brought back, and
    the page of these settings shows what keeping it costs. See docs/adr/0004-retention.md.
    """

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="retention")
    payload_days = models.PositiveIntegerField(null=True, blank=True)
    span_days = models.PositiveIntegerField(null=True, blank=True)
    tool_call_days = models.PositiveIntegerField(null=True, blank=True)

    def __str__(self) -> str:
        return f"retention of {self.project}"


class ProjectLimits(models.Model):
    """How much a project may send. NULL sets no limit; what each means says `tracestore.rates.Rates`."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="limits")
    spans_per_second = models.PositiveBigIntegerField(null=True, blank=True)
    burst = models.PositiveBigIntegerField(null=True, blank=True)
    bytes_per_second = models.PositiveBigIntegerField(null=True, blank=True)

    def __str__(self) -> str:
        return f"limits of {self.project}"


class ProjectRedaction(models.Model):
    """What a project has switched of the built-in redaction rules: default ones off, optional ones on.

    Without a row all default rules are on, and the optional ones (personal data) off. Only what differs
    from that is kept, so that a rule which comes with an upgrade is on.
    """

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="redaction")
    off = models.JSONField(default=list)
    on = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"redaction of {self.project}"


class RedactionRule(models.Model):
    """A project's own rule of what is taken out of spans and logs before anything is written.

    What each field may be says `tracestore.spans.redaction.rules.check`.
    """

    class Kind(models.TextChoices):
        KEY = "key"
        PATTERN = "pattern"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="redaction_rules")
    name = models.CharField(max_length=40)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    pattern = models.CharField(max_length=500)
    replacement = models.CharField(max_length=100, blank=True)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["project", "name"], name="one_redaction_rule_of_a_name"),)

    def __str__(self) -> str:
        return f"{self.name} of {self.project}"


class SavedView(models.Model):
    """A search of the trace list that was given a name, with its range, order and columns.

    `owner` made it, nobody if a key did. Others in the project see it when it is `shared`. A deleted
    one is kept for a while (`tracestore.saved_views`), so that deleting can be undone.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="saved_views")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE)
    shared = models.BooleanField(default=False)
    name = models.CharField(max_length=80)
    query = models.TextField(blank=True)
    since = models.CharField(max_length=40, blank=True)
    sort = models.CharField(max_length=20, blank=True)
    columns = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} of {self.project}"
