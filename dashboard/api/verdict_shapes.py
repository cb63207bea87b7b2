"""The shapes of verdicts and of what brakes, for the OpenAPI schema only; see `shape_fields.py`."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from dashboard.api.shape_fields import choice, count, moment, money, text
from tracestore.alerts.budgets import MEASURES, SCOPES
from tracestore.alerts.models import Breaker as BreakerRow
from tracestore.alerts.models import Halt as HaltRow
from tracestore.detectors.standing import KINDS

BREAKER_STATES = tuple(BreakerRow.State.values)


def some_moment(help_text: str) -> serializers.DateTimeField:
    return serializers.DateTimeField(allow_null=True, help_text=help_text)


def some_number(help_text: str) -> serializers.IntegerField:
    return serializers.IntegerField(allow_null=True, help_text=help_text)


class Verdict(serializers.Serializer[Any]):
    verdict = choice(("continue", "warn", "halt"))
    reasons = serializers.ListField(child=serializers.CharField(), help_text="What halts first.")
    cost_usd = money("So far; null when no price is known.")
    steps = count("Model calls so far.")
    tokens = count("So far.")
    halt_id = some_number("The record of the halt; null until it is written down, within a second.")
    until = some_moment("When the halt ends by itself; null when it does not, or that is not known.")
    checked_at = some_moment("When the evidence was read; null when it never was.")
    fresh_s = serializers.FloatField(allow_null=True, help_text="Seconds since then.")


class BudgetFields(serializers.Serializer[Any]):
    name = serializers.CharField(required=False, max_length=120)
    enabled = serializers.BooleanField(required=False)
    measure = choice(MEASURES)
    scope = choice(SCOPES, "What has this budget each; user, agent and day from midnight UTC.")
    limit = serializers.FloatField(required=False, help_text="Of the measure.")
    warn_share = serializers.FloatField(required=False, help_text="Warn from this share of the limit on.")
    halts = serializers.BooleanField(required=False, help_text="Whether reaching the limit halts; else it warns.")
    halt_on_burn = serializers.BooleanField(required=False, help_text="Whether spending too fast halts.")
    agent = serializers.CharField(required=False, allow_blank=True, help_text="Only of this agent.")


class BudgetState(serializers.Serializer[Any]):
    subject = text("The trace, session, user or agent; empty for the day.")
    action = choice(("warn", "halt"))
    spent = serializers.FloatField()
    share = serializers.FloatField(help_text="Of the limit.")
    reason = text()
    at = moment()


class Budget(serializers.Serializer[Any]):
    id = count()
    name = text()
    enabled = serializers.BooleanField()
    measure = choice(MEASURES)
    scope = choice(SCOPES)
    limit = serializers.FloatField()
    warn_share = serializers.FloatField()
    halts = serializers.BooleanField()
    halt_on_burn = serializers.BooleanField()
    agent = text()
    created_at = moment()
    changed_at = moment()
    states = BudgetState(many=True, help_text="Of those for whom it warns or halts now, the most spent first.")


class BudgetPage(serializers.Serializer[Any]):
    results = Budget(many=True)
    next = serializers.CharField(allow_null=True)


class BreakerFields(serializers.Serializer[Any]):
    agent = serializers.CharField(required=False, allow_blank=True)
    tool = serializers.CharField(required=False, allow_blank=True, help_text="Alone: of all agents.")
    reason = serializers.CharField(required=False, allow_blank=True)
    incident = serializers.IntegerField(required=False, help_text="The incident that it is opened for.")


class BreakerChange(serializers.Serializer[Any]):
    version = count()
    from_state = choice(BREAKER_STATES)
    to_state = choice(BREAKER_STATES)
    at = moment()
    actor = text()
    reason = text()


class Breaker(serializers.Serializer[Any]):
    id = count()
    agent = text()
    tool = text()
    state = choice(BREAKER_STATES)
    by_hand = serializers.BooleanField(help_text="Stays open until it is released.")
    reason = text()
    rule = some_number("The rule that opened it.")
    incident = some_number("The incident behind it.")
    opened_at = some_moment("When it was last opened.")
    trial_at = some_moment("When one run may try; when half open, until when it may.")
    trial_trace = text("The run that tries.")
    changes = BreakerChange(many=True, help_text="The latest first.")


class BreakerPage(serializers.Serializer[Any]):
    results = Breaker(many=True)
    next = serializers.CharField(allow_null=True)


class HaltFields(serializers.Serializer[Any]):
    by = choice(KINDS)
    subject = serializers.CharField(max_length=300)
    reason = serializers.CharField(required=False, allow_blank=True)
    until = serializers.DateTimeField(required=False, allow_null=True, help_text="Until it is lifted unless given.")
    incident = serializers.IntegerField(required=False, help_text="The incident that it is ordered for.")


class Reason(serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, allow_blank=True, help_text="At most 300 characters.")


class Halt(serializers.Serializer[Any]):
    id = count()
    by = choice(KINDS)
    subject = text()
    source = choice(tuple(HaltRow.Source.values))  # type: ignore[assignment]
    reason = text()
    incident = some_number("The incident behind it.")
    actor = text("tracestore, unless somebody ordered it.")
    active = serializers.BooleanField()
    since = moment()
    until = some_moment("When it ends or ended.")
    told = count("How often an agent was told so.")
    last_told_at = some_moment("When it was last told.")
    lifted_at = some_moment("When somebody lifted it.")
    lifted_by = text()
    lift_reason = text()


class HaltPage(serializers.Serializer[Any]):
    results = Halt(many=True)
    next = serializers.CharField(allow_null=True)
