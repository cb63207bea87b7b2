"""The shapes of alert rules, for the OpenAPI schema only; see `shape_fields.py`."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from dashboard.api.shape_fields import choice, count, moment, text
from tracestore.alerts.conditions.condition import KINDS
from tracestore.alerts.rule_conditions import SEVERITIES
from tracestore.alerts.rule_fields import KNOWN_LABELS


@extend_schema_field({"type": "object", "additionalProperties": {}})
class ConditionField(serializers.JSONField):
    """One of the three kinds; docs/alert-rules.md lists their fields."""


class AlertRuleFields(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120, help_text="Unique in the project.")
    enabled = serializers.BooleanField(required=False, help_text="True unless said otherwise.")
    kind = choice(tuple(KINDS))
    condition = ConditionField(
        help_text="`findings`: detectors, agents, min_severity, min_wasted_usd, min_count, window_s. `metric`: metric, "
        "compare, threshold, clear, by, only, min_volume, window_s. `search`: query or view, compare, threshold, "
        "clear, by, window_s. A condition that is sent replaces the whole one."
    )
    hold_s = serializers.IntegerField(
        required=False, min_value=0, help_text="Seconds for which it must be so before it fires; 0 unless said."
    )
    keep_firing_s = serializers.IntegerField(
        required=False, min_value=0, help_text="Seconds for which it must not be so before it is over; 300 unless said."
    )
    severity = choice(SEVERITIES)
    halts = serializers.BooleanField(required=False, help_text="Whether it opens the circuit breaker of the agent.")
    owner = serializers.CharField(required=False, allow_blank=True, help_text="Who is to look at it, in words.")
    runbook_url = serializers.CharField(required=False, allow_blank=True, help_text="What to do; http or https.")
    labels = serializers.DictField(
        child=serializers.CharField(), required=False, help_text="Added to its alerts; routes and silences match them."
    )
    group_by = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text=f"The labels that make one incident: some of {', '.join(KNOWN_LABELS)} or its own. Empty: as usual.",
    )


class AlertRule(AlertRuleFields):
    id = count()
    builtin = text("Which shipped rule it is; empty for one of the project's own.")
    is_changed = serializers.BooleanField(help_text="Whether a shipped rule differs from its shipped form.")
    says = text("The condition as a sentence.")
    firing = count("Sets of labels that fire now.")
    pending = count("Sets of labels that will fire if it stays so.")
    incidents = serializers.ListField(child=count(), help_text="Those that it fires in now.")
    last_fired_at = serializers.DateTimeField(allow_null=True)
    evaluated_at = serializers.DateTimeField(allow_null=True, help_text="When it was last evaluated; null before.")
    failure = text("What went wrong then; empty when nothing did.")
    created_at = moment()
    changed_at = moment()


class AlertRulePage(serializers.Serializer[Any]):
    results = AlertRule(many=True)
    next = serializers.CharField(allow_null=True)


class Fired(serializers.Serializer[Any]):
    labels = serializers.DictField(child=serializers.CharField())
    began = moment()
    ended = serializers.DateTimeField(allow_null=True, help_text="Null when it would still fire.")
    value = serializers.FloatField(allow_null=True, help_text="The worst figure; of findings, how many.")
    traces = serializers.ListField(child=text(), help_text="Examples.")


class AlertRulePreview(serializers.Serializer[Any]):
    says = text("The condition as a sentence.")
    sentence = text("What would have happened, as a sentence.")
    since = moment()
    until = moment()
    firing_s = count("For how long in all; what overlaps counts once.")
    complete = serializers.BooleanField(help_text="False when it was not looked so far back, or not all are listed.")
    count = count("How many times it would have fired.")
    results = Fired(many=True)
