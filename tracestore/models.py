"""Metadata kept beside ClickHouse: projects, their API keys and their members."""

from __future__ import annotations

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

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.name})"


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
