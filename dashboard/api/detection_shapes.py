"""The shapes of findings, detectors and health, for the OpenAPI schema only; see `shape_fields.py`."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from dashboard.api.shape_fields import AnyValue, AttributesField, choice, count, moment, text

SEVERITIES = ("info", "warning", "critical")
STATES = ("unknown", "healthy", "suspect", "degraded", "critical")


class FeedbackFields(serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, allow_blank=True, help_text="Why; at most 1,000 characters.")


class Feedback(serializers.Serializer[Any]):
    judgement = choice(("confirmed", "dismissed"))
    reason = text()
    at = moment()
    by = text("The user; empty for a key.")


class Finding(serializers.Serializer[Any]):
    id = text()
    detector = text()
    version = text("Version of the detector.")
    severity = choice(SEVERITIES)
    title = text("In one line.")
    explanation = text("In sentences.")
    project = text()
    agent = text()
    trace_id = text("Empty for a finding about a window of time.")
    span_ids = serializers.ListField(child=serializers.CharField(), help_text="The evidence, in order of time.")
    first_seen = moment()
    last_seen = moment()
    wasted_cost_usd = serializers.FloatField(help_text="0 when nothing was wasted or the price is unknown.")
    wasted_tokens = count()
    evidence = AttributesField(help_text="Its fields are the detector's.")
    fingerprint = text("Equal for the same problem of the same agent.")
    key = text("What is the same problem elsewhere, in the detector's words.")
    cause = choice(("data", "tool", "system", "model", "unknown"))
    look_first = text("The span to open first; may be empty.")
    dismissed = serializers.BooleanField(help_text="Somebody said that this is no problem: it does not count.")
    feedback = Feedback(allow_null=True)


class FindingPage(serializers.Serializer[Any]):
    results = Finding(many=True)
    next = serializers.CharField(allow_null=True)


class Setting(serializers.Serializer[Any]):
    name = text()
    kind = text("What kind of value it takes.")
    default = AnyValue()
    help = text()
    minimum = serializers.FloatField(allow_null=True)
    maximum = serializers.FloatField(allow_null=True)


class OwnSettings(serializers.Serializer[Any]):
    agent = text("Empty: all agents.")
    enabled = serializers.BooleanField(allow_null=True, help_text="Null: as set for all agents, else on.")
    halts = serializers.BooleanField(
        allow_null=True, help_text="Whether a critical finding halts the run; null: as set for all, else as it comes."
    )
    settings = AttributesField(help_text="The settings that differ from the defaults.")


class DetectorCounts(serializers.Serializer[Any]):
    findings = count("Of the last 7 days, without dismissed ones.")
    critical = count()
    warning = count()
    info = count()
    dismissed = count()
    wasted_cost_usd = serializers.FloatField()


class DetectorRuns(serializers.Serializer[Any]):
    looks = count("How often it was run, of all projects together.")
    failures = count()
    cpu_seconds = serializers.FloatField()
    slowest_seconds = serializers.FloatField(help_text="CPU of the slowest look.")
    last_failure = text()
    last_failure_at = serializers.DateTimeField(allow_null=True)


class Precision(serializers.Serializer[Any]):
    confirmed = count()
    dismissed = count()
    precision = serializers.FloatField(allow_null=True, help_text="Null before anybody gave feedback.")


class Detector(serializers.Serializer[Any]):
    id = text()
    version = text()
    title = text()
    method = text("How it decides.")
    reads = serializers.ListField(child=choice(("run", "window")), help_text="What its parts look at.")
    every_seconds = serializers.FloatField(
        allow_null=True, help_text="How often it judges windows; null: it reads runs alone."
    )
    enabled = serializers.BooleanField()
    halts = serializers.BooleanField()
    settings = Setting(many=True)
    own = OwnSettings(many=True)
    counts = DetectorCounts()
    runs = DetectorRuns()
    feedback = Precision()


class DetectorPage(serializers.Serializer[Any]):
    results = Detector(many=True)
    next = serializers.CharField(allow_null=True)


class BacktestFields(serializers.Serializer[Any]):
    settings = AttributesField(required=False, help_text="The settings to try; the rest are the defaults.")
    since = serializers.CharField(required=False, help_text="Runs that began at or after; 7d unless given.")
    until = serializers.CharField(required=False, help_text="Runs that began before; now unless given.")
    agent = serializers.CharField(required=False, allow_blank=True)


class Backtest(serializers.Serializer[Any]):
    id = count()
    detector = text()
    agent = text()
    settings = AttributesField()
    since = moment()
    until = moment()
    state = choice(("waiting", "running", "done", "failed"))
    message = text("What went wrong.")
    total = count("Runs (or moments) that it is about.")
    seen = count()
    outcome = AttributesField(help_text="When done: sentence, fired, critical, warning, wasted_cost_usd, findings, …")


class BacktestPage(serializers.Serializer[Any]):
    results = Backtest(many=True)
    next = serializers.CharField(allow_null=True)


class Health(serializers.Serializer[Any]):
    agent = text()
    agent_version = text("Empty: all versions together.")
    state = choice(STATES)
    at = moment()
    reasons = serializers.ListField(child=serializers.CharField())
    healthy_again = serializers.ListField(child=serializers.CharField(), help_text="What must come true for it.")
    measures = AttributesField()


class HealthPage(serializers.Serializer[Any]):
    results = Health(many=True)
    next = serializers.CharField(allow_null=True)


class HealthPoint(serializers.Serializer[Any]):
    at = moment()
    state = choice(STATES, "The worst of the time.")
    measures = AttributesField(help_text="The mean of each.")


class HealthOverTime(Health):
    versions = Health(many=True)
    over_time = HealthPoint(many=True)
