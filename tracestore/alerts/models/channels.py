"""Where on-call is told, which incidents go there, and what was sent."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from tracestore.alerts.models.incidents import Incident
from tracestore.alerts.models.rules import Severity
from tracestore.alerts.sealed import ConfigField
from tracestore.models import Project


class Channel(models.Model):
    """Where on-call is told. `config` holds addresses and secrets: sealed when stored, hidden by `alerts.channels`.

    A permanent error switches it off and says why in `disabled_reason`. `not_before` is the end of its back-off.
    """

    class Kind(models.TextChoices):
        WEBHOOK = "webhook"
        PAGERDUTY = "pagerduty"
        SLACK = "slack"
        EMAIL = "email"
        ALERTMANAGER = "alertmanager"
        APPRISE = "apprise"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="channels")
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    config = ConfigField(default=dict)
    enabled = models.BooleanField(default=True)
    #: Without routes that name it: from this severity on.
    min_severity = models.CharField(max_length=8, choices=Severity.choices, default=Severity.WARNING)
    send_resolved = models.BooleanField(default=True)
    #: More than so many in an hour are told as one digest.
    most_per_hour = models.PositiveIntegerField(default=60)
    disabled_reason = models.CharField(max_length=500, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    last_sent_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True)
    last_error_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["project", "name"], condition=models.Q(deleted_at=None), name="one_channel_of_a_name"
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} of {self.project}"


class Route(models.Model):
    """Which incidents go to which channels. Routes are tried by `position`; the first that matches takes an incident,
    unless it says `continues`. `escalation`: [{"after_s", "channels": [ids]}], told if nobody acknowledges.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="routes")
    position = models.PositiveIntegerField(default=0)
    name = models.CharField(max_length=120)
    matchers = models.JSONField(default=list)
    channels = models.ManyToManyField(Channel, related_name="routes", blank=True)
    continues = models.BooleanField(default=False)
    repeat_s = models.PositiveIntegerField(default=4 * 3600)
    escalation = models.JSONField(default=list)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["project", "name"], name="one_route_of_a_name"),)

    def __str__(self) -> str:
        return f"{self.name} of {self.project}"


class Notification(models.Model):
    """Something to tell a channel, stored before it is sent. `message` is a `tracestore.alerts.message.Message`.

    `occasion` is what makes it one: the same of one channel cannot be stored twice. Those of one channel and
    incident are sent in the order of their ids.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        SENDING = "sending"
        SENT = "sent"
        FAILED = "failed"
        #: Told as part of a digest, or out of date before it could be sent.
        SKIPPED = "skipped"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="notifications")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="notifications")
    incident = models.ForeignKey(
        Incident, null=True, blank=True, on_delete=models.CASCADE, related_name="notifications"
    )
    event = models.CharField(max_length=14)
    occasion = models.CharField(max_length=80)
    message = models.JSONField(default=dict)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    not_before = models.DateTimeField(default=timezone.now)
    #: Until when the worker that took it may be believed to be sending it.
    claimed_until = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    #: What the receiver calls it (a Slack thread).
    receipt = models.CharField(max_length=200, blank=True)
    error = models.CharField(max_length=500, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["channel", "occasion"], name="one_notification_of_an_occasion"),)
        indexes = (
            models.Index(fields=["state", "not_before"], name="notifications_due"),
            models.Index(fields=["project", "-created_at"], name="notifications_by_time"),
        )

    def __str__(self) -> str:
        return f"{self.event} to {self.channel_id}: {self.state}"


class Delivery(models.Model):
    """One attempt to send a notification, and how it ended."""

    class Outcome(models.TextChoices):
        SENT = "sent"
        RETRY = "retry"
        FAILED = "failed"

    notification = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="deliveries")
    at = models.DateTimeField(default=timezone.now)
    outcome = models.CharField(max_length=6, choices=Outcome.choices)
    #: The receiver's status (HTTP or SMTP), 0 if it did not answer.
    status = models.PositiveIntegerField(default=0)
    milliseconds = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return f"{self.notification_id}: {self.outcome}"
