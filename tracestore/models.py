"""Metadata kept beside ClickHouse: projects, their API keys and their members."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone


class Project(models.Model):
    """A tenant: every span, key and setting belongs to exactly one. `slug` is the `project` column."""

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.slug


class Membership(models.Model):
    """What a user may do in a project."""

    class Role(models.TextChoices):
        OWNER = "owner"
        ADMIN = "admin"
        MEMBER = "member"
        VIEWER = "viewer"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.MEMBER)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user", "project"], name="one_membership_per_project"),)

    def __str__(self) -> str:
        return f"{self.user} {self.role} of {self.project}"


class ApiKey(models.Model):
    """A key for senders and readers. Only a keyed digest is stored; the key itself is shown once.

    `prefix` is the part that may be shown, so that people can tell keys apart.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=200)
    prefix = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.name})"

    @property
    def state(self) -> str:
        """active, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= timezone.now() else "active"


class LoginLink(models.Model):
    """A one-time link that logs its first visitor in; printed by `manage.py up`."""

    digest = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"login link for {self.user} until {self.expires_at}"


class Lease(models.Model):
    """Who does a thing that must not be done twice at once, and until when they may be believed."""

    name = models.CharField(max_length=100, unique=True)
    holder = models.CharField(max_length=16, blank=True)
    expires_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.name}: {self.holder or 'free'}"


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
