"""Alerts, the incidents that they are part of, their history, and what keeps them quiet."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from tracestore.alerts.models.rules import AlertRule, Severity
from tracestore.models import Project


class Incident(models.Model):
    """Something that somebody should look at: alerts of one group, from the first until all are over.

    `key` says what it is about; while one is open or acknowledged, no second one of that key is (`open_key` holds
    the key then, else NULL). `facts` is what the page and the messages say: a `tracestore.alerts.facts.Facts`.
    """

    class State(models.TextChoices):
        OPEN = "open"
        ACKNOWLEDGED = "acknowledged"
        RESOLVED = "resolved"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="incidents")
    key = models.CharField(max_length=32)
    open_key = models.CharField(max_length=32, null=True, blank=True)
    rule = models.ForeignKey(AlertRule, null=True, blank=True, on_delete=models.SET_NULL, related_name="incidents")
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)
    severity = models.CharField(max_length=8, choices=Severity.choices)
    title = models.CharField(max_length=300)
    labels = models.JSONField(default=dict)
    facts = models.JSONField(default=dict)
    owner = models.CharField(max_length=120, blank=True)
    runbook_url = models.CharField(max_length=500, blank=True)
    opened_at = models.DateTimeField(default=timezone.now)
    #: When evidence for it was last seen.
    last_seen_at = models.DateTimeField(default=timezone.now)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.CharField(max_length=150, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.CharField(max_length=150, blank=True)
    snoozed_until = models.DateTimeField(null=True, blank=True)
    #: Resolved by itself, it waits until then before it is told, lest it comes back (flapping).
    settles_at = models.DateTimeField(null=True, blank=True)
    reopened = models.PositiveIntegerField(default=0)
    #: How many steps of escalation are done, and when something is next to be told of it by itself.
    escalated = models.PositiveIntegerField(default=0)
    next_notice_at = models.DateTimeField(null=True, blank=True)
    #: The incident of the shared cause, which is told instead of this one.
    cause = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="effects")
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["project", "open_key"], name="one_open_incident_of_a_key"),)
        indexes = (
            models.Index(fields=["project", "-opened_at"], name="incidents_by_time"),
            models.Index(fields=["project", "state", "severity"], name="incidents_by_state"),
            models.Index(fields=["next_notice_at"], name="incidents_to_tell"),
        )

    def __str__(self) -> str:
        return f"incident {self.pk} of {self.project}: {self.title}"


class Transition(models.Model):
    """A change of an incident, or a note on it: who, when, from what to what. Never changed, never deleted alone.

    `version` is the incident's after the change; unique, so that no change can be made twice. Notes change nothing
    and have none.
    """

    class Kind(models.TextChoices):
        OPENED = "opened"
        ACKNOWLEDGED = "acknowledged"
        UNACKNOWLEDGED = "unacknowledged"
        RESOLVED = "resolved"
        REOPENED = "reopened"
        SNOOZED = "snoozed"
        WOKEN = "woken"
        SEVERITY = "severity"
        GREW = "grew"
        ESCALATED = "escalated"
        SILENCED = "silenced"
        CAUSE = "cause"
        HALTED = "halted"
        NOTED = "noted"

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="transitions")
    version = models.PositiveIntegerField(null=True, blank=True)
    kind = models.CharField(max_length=14, choices=Kind.choices)
    from_state = models.CharField(max_length=12, blank=True)
    to_state = models.CharField(max_length=12, blank=True)
    at = models.DateTimeField(default=timezone.now)
    #: "tracestore", or a user's name, or the shown beginning of a key.
    actor = models.CharField(max_length=150)
    note = models.CharField(max_length=4000, blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["incident", "version"], name="one_transition_to_a_version"),)

    def __str__(self) -> str:
        return f"{self.incident_id}: {self.kind} by {self.actor}"


class Alert(models.Model):
    """What a rule says of one set of labels: pending (not yet for long enough), firing, or over.

    `fingerprint` is that of rule and labels. `version` rises with each change; `absorbed` is the version that the
    incident knows, so that nothing is lost between the two.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        FIRING = "firing"
        RESOLVED = "resolved"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="alerts")
    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="alerts")
    fingerprint = models.CharField(max_length=16)
    labels = models.JSONField(default=dict)
    state = models.CharField(max_length=8, choices=State.choices)
    severity = models.CharField(max_length=8, choices=Severity.choices)
    #: A `tracestore.alerts.facts.Facts`.
    facts = models.JSONField(default=dict)
    value = models.FloatField(null=True, blank=True)
    since = models.DateTimeField(default=timezone.now)
    fired_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(default=timezone.now)
    resolved_at = models.DateTimeField(null=True, blank=True)
    incident = models.ForeignKey(Incident, null=True, blank=True, on_delete=models.SET_NULL, related_name="alerts")
    version = models.PositiveIntegerField(default=1)
    absorbed = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["rule", "fingerprint"], name="one_alert_of_a_fingerprint"),)
        indexes = (models.Index(fields=["project", "state"], name="alerts_by_state"),)

    def __str__(self) -> str:
        return f"{self.fingerprint} of rule {self.rule_id}: {self.state}"


class Silence(models.Model):
    """While it holds, incidents whose labels match are kept but not told. `repeats` "weekly" makes it a maintenance
    window: it then holds each week at the same time of day of `time_zone`.
    """

    class Kind(models.TextChoices):
        SILENCE = "silence"
        MAINTENANCE = "maintenance"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="silences")
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.SILENCE)
    #: [{"name", "value", "is_regex", "is_equal"}], as Alertmanager's.
    matchers = models.JSONField(default=list)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    repeats = models.CharField(max_length=8, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    comment = models.CharField(max_length=1000, blank=True)
    created_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} of {self.project}"
