"""Detectors: what a project has set of them, what people said of findings, what they did and cost."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from tracestore.models.tenancy import Project


class DetectorSettings(models.Model):
    """What a project has set of a detector, for all agents (`agent` '') or for one, which goes before it.

    `values` holds the settings that differ from the defaults. NULL of `enabled` and `halts` means: as set
    for all agents, else as the detector comes (`tracestore.detector_settings`).
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="detector_settings")
    detector = models.CharField(max_length=64)
    agent = models.CharField(max_length=300, blank=True)
    enabled = models.BooleanField(null=True, blank=True)
    halts = models.BooleanField(null=True, blank=True)
    values = models.JSONField(default=dict)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["project", "detector", "agent"], name="one_setting_of_a_detector"),
        )

    def __str__(self) -> str:
        return f"{self.detector} for {self.agent or 'all agents'} of {self.project}"


class Feedback(models.Model):
    """What somebody said of a finding: that it is right, or that it is none. The last word on each counts.

    A dismissed fingerprint is remembered in the store (`stored_dismissals`), which is what hides findings.
    """

    class Judgement(models.TextChoices):
        CONFIRMED = "confirmed"
        DISMISSED = "dismissed"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="feedback")
    finding = models.CharField(max_length=32)
    detector = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=16)
    judgement = models.CharField(max_length=9, choices=Judgement.choices)
    reason = models.CharField(max_length=1000, blank=True)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["project", "finding"], name="one_word_on_a_finding"),)

    def __str__(self) -> str:
        return f"{self.finding} of {self.project}: {self.judgement}"


class DetectorRun(models.Model):
    """What a detector has done and cost since it was first run, of all projects together."""

    detector = models.CharField(max_length=64, unique=True)
    looks = models.PositiveBigIntegerField(default=0)
    findings = models.PositiveBigIntegerField(default=0)
    failures = models.PositiveBigIntegerField(default=0)
    cpu_seconds = models.FloatField(default=0.0)
    slowest_seconds = models.FloatField(default=0.0)
    last_failure = models.CharField(max_length=300, blank=True)
    last_failure_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.detector}: {self.looks} looks, {self.failures} failures"


class Backtest(models.Model):
    """What a detector would have said of stored runs with other settings, worked out in the background."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="backtests")
    detector = models.CharField(max_length=64)
    agent = models.CharField(max_length=300, blank=True)
    values = models.JSONField(default=dict)
    since = models.DateTimeField()
    until = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    message = models.CharField(max_length=300, blank=True)
    total = models.PositiveBigIntegerField(default=0)
    seen = models.PositiveBigIntegerField(default=0)
    outcome = models.JSONField(default=dict)
    requested_at = models.DateTimeField(default=timezone.now)
    told_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.state}: {self.detector} of {self.project}"
