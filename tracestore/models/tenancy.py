"""Whose data it is, and who may do what with it: organisations, projects, people, keys."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone


class Role(models.TextChoices):
    """What a person may do, the most first. What each role allows says `tracestore.access.ROLE_SCOPES`."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


class Organisation(models.Model):
    """Whose projects these are: people belong to it, and with it to all its projects."""

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.slug


def default_organisation() -> int:
    """The organisation of a project that was made without one: the one of the first start."""
    return int(Organisation.objects.get_or_create(slug="default", defaults={"name": "Default"})[0].pk)


class OrganisationMembership(models.Model):
    """What a user may do in all projects of an organisation, and in the organisation itself."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="organisation_memberships"
    )
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.MEMBER)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["user", "organisation"], name="one_membership_per_organisation"),
        )

    def __str__(self) -> str:
        return f"{self.user} {self.role} of {self.organisation}"


class OpenProjects(models.Manager["Project"]):
    """Those that are not to be deleted. What asks for a project by its slug does so here, and finds no closed one."""

    def get_queryset(self) -> models.QuerySet[Project]:
        return super().get_queryset().filter(closed_at=None)


class Project(models.Model):
    """A tenant: every span, key and setting belongs to exactly one. `slug` is the `project` column.

    One that is to be deleted has `closed_at`: from then on nobody reads it, sends to it or works on it, and the row
    keeps its slug taken until the last of its data is gone (`ProjectDeletion`).
    """

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="projects", default=default_organisation
    )
    created_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)

    #: Closed ones too. The first is the one that Django's own machinery takes: backups, relations.
    every: ClassVar[models.Manager[Project]] = models.Manager()
    objects: ClassVar[OpenProjects] = OpenProjects()

    def __str__(self) -> str:
        return self.slug


class Membership(models.Model):
    """What a user may do in one project, where the organisation's role does not allow it already: the higher counts."""

    Role = Role

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.MEMBER)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user", "project"], name="one_membership_per_project"),)

    def __str__(self) -> str:
        return f"{self.user} {self.role} of {self.project}"


class Invitation(models.Model):
    """An offer of a role, to whoever holds its link; only a digest of the link's token is stored.

    Into one project where `project` is set, else into the whole organisation. `email` is where it was sent to,
    or whom it is meant for; it is not checked, the link is what counts.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="invitations")
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(blank=True)
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.MEMBER)
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"invitation of {self.email or 'somebody'} as {self.role} to {self.project or self.organisation}"


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
    created_by = models.CharField(max_length=150, blank=True)
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
