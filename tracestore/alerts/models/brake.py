"""Budgets, circuit breakers, and the record of halts."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from tracestore.alerts.models.incidents import Incident
from tracestore.alerts.models.rules import AlertRule
from tracestore.models import Project


class Budget(models.Model):
    """How much each run, session, user or agent (or the whole project in a day) may spend of something.

    The form is that of `tracestore.detectors.budget.Budget`. `agent` and `user_id` narrow it; '' means any.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="budgets")
    name = models.CharField(max_length=120)
    enabled = models.BooleanField(default=True)
    measure = models.CharField(max_length=8)
    scope = models.CharField(max_length=8)
    limit = models.FloatField()
    warn_share = models.FloatField(default=0.8)
    #: Whether reaching the limit halts; else it warns.
    halts = models.BooleanField(default=True)
    halt_on_burn = models.BooleanField(default=False)
    agent = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["project", "name"], condition=models.Q(deleted_at=None), name="one_budget_of_a_name"
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} of {self.project}"


class BudgetState(models.Model):
    """How a budget stands for a subject (a trace, session, user, agent; the project is ''), if it warns or halts."""

    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="states")
    subject = models.CharField(max_length=300, blank=True)
    action = models.CharField(max_length=8)
    spent = models.FloatField()
    reason = models.CharField(max_length=300)
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["budget", "subject"], name="one_state_of_a_budget"),)

    def __str__(self) -> str:
        return f"{self.subject or 'all'}: {self.action} by budget {self.budget_id}"


class Breaker(models.Model):
    """The circuit breaker of an agent, a tool of an agent, or a tool of all agents. Open means: halt.

    No row is a closed one that never opened. `by_hand` stays open until it is released by hand.
    """

    class State(models.TextChoices):
        CLOSED = "closed"
        OPEN = "open"
        HALF_OPEN = "half_open"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="breakers")
    agent = models.CharField(max_length=300, blank=True)
    tool = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.CLOSED)
    by_hand = models.BooleanField(default=False)
    reason = models.CharField(max_length=300, blank=True)
    rule = models.ForeignKey(AlertRule, null=True, blank=True, on_delete=models.SET_NULL, related_name="breakers")
    incident = models.ForeignKey(Incident, null=True, blank=True, on_delete=models.SET_NULL, related_name="breakers")
    opened_at = models.DateTimeField(null=True, blank=True)
    #: When an open one becomes half open, and until when one trial run may prove itself.
    trial_at = models.DateTimeField(null=True, blank=True)
    trial_trace = models.CharField(max_length=32, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["project", "agent", "tool"], name="one_breaker_of_a_subject"),)

    def __str__(self) -> str:
        return f"{self.agent}/{self.tool}: {self.state}"


class BreakerChange(models.Model):
    """A change of a breaker: who, when, why."""

    breaker = models.ForeignKey(Breaker, on_delete=models.CASCADE, related_name="changes")
    version = models.PositiveIntegerField()
    from_state = models.CharField(max_length=9)
    to_state = models.CharField(max_length=9)
    at = models.DateTimeField(default=timezone.now)
    actor = models.CharField(max_length=150)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["breaker", "version"], name="one_change_to_a_version"),)

    def __str__(self) -> str:
        return f"{self.breaker_id}: {self.to_state} by {self.actor}"


class Halt(models.Model):
    """The record of a `halt` of a run, session or agent: why, from when, until when. Also how one is ordered by hand.

    One row for each stretch of halting (`active_key` is held while it lasts, else NULL). Lifted by hand it stays
    lifted for what was known then: findings first seen before `lifted_at` halt this subject no more.
    """

    class Source(models.TextChoices):
        FINDING = "finding"
        BUDGET = "budget"
        BREAKER = "breaker"
        HAND = "hand"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="halts")
    #: trace_id, session_id or agent, as asked, and which.
    by = models.CharField(max_length=10)
    subject = models.CharField(max_length=300)
    active_key = models.CharField(max_length=64, null=True, blank=True)
    source = models.CharField(max_length=8, choices=Source.choices)
    reason = models.CharField(max_length=1000)
    incident = models.ForeignKey(Incident, null=True, blank=True, on_delete=models.SET_NULL, related_name="halts")
    actor = models.CharField(max_length=150)
    since = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True, blank=True)
    last_told_at = models.DateTimeField(null=True, blank=True)
    told = models.PositiveIntegerField(default=0)
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.CharField(max_length=150, blank=True)
    lift_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["project", "active_key"], name="one_active_halt_of_a_subject"),)
        indexes = (models.Index(fields=["project", "by", "subject"], name="halts_by_subject"),)

    def __str__(self) -> str:
        return f"{self.by} {self.subject}: {self.reason}"
