"""What was done, and who does what now: audit, deletions, leases."""

from __future__ import annotations

from typing import Any, Final, Never

from django.db import models
from django.utils import timezone

from tracestore.errors import Forbidden
from tracestore.models.tenancy import Organisation, Project

APPEND_ONLY: Final = "The audit log is append-only: an entry is neither changed nor deleted."


class AppendOnly(models.QuerySet["AuditEntry"]):
    """Refuses what would change or delete entries."""

    def refuse(self, *args: Any, **kwargs: Any) -> Never:
        """Raises: Forbidden, always."""
        raise Forbidden(APPEND_ONLY)

    update = delete = bulk_update = update_or_create = refuse


class AuditEntry(models.Model):
    """One thing that somebody did which matters: never changed, never deleted.

    The methods here say so in words; triggers of the database (migration 0012) hold it against everything else.

    Names instead of foreign keys, since what they name may be gone while this stays. `action` is a word of
    `tracestore.audit.ACTIONS`, `subject` what it was done to, `detail` which fields, never a secret.
    """

    at = models.DateTimeField(default=timezone.now, db_index=True)
    organisation = models.CharField(max_length=64, blank=True)
    project = models.CharField(max_length=64, blank=True, db_index=True)
    actor = models.CharField(max_length=150)
    actor_kind = models.CharField(max_length=8)
    address = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(max_length=128, blank=True)
    action = models.CharField(max_length=64)
    subject = models.CharField(max_length=300, blank=True)
    detail = models.JSONField(default=dict)

    objects = AppendOnly.as_manager()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Raises: Forbidden, if it is stored already."""
        if not self._state.adding:
            raise Forbidden(APPEND_ONLY)
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Never:
        """Raises: Forbidden, always."""
        raise Forbidden(APPEND_ONLY)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor}: {self.action} {self.subject}"


class Deletion(models.Model):
    """One order to delete all that is kept of a trace, a session or a user, and what came of it.

    `deleted` counts rows by table before, `left` after: it is done when `left` is nought everywhere.
    """

    class Kind(models.TextChoices):
        TRACE = "trace"
        SESSION = "session"
        USER = "user"

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="deletions")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    value = models.CharField(max_length=300)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    message = models.CharField(max_length=300, blank=True)
    traces = models.PositiveBigIntegerField(default=0)
    #: Names of the saved searches that went, since they asked for what was deleted.
    searches = models.JSONField(default=list)
    deleted = models.JSONField(default=dict)
    left = models.JSONField(default=dict)
    requested_at = models.DateTimeField(default=timezone.now)
    requested_by = models.CharField(max_length=150, blank=True)
    told_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.state}: {self.kind} {self.value} of {self.project}"


class ProjectDeletion(models.Model):
    """That a project is to be deleted, when, and what came of it.

    `slug` and not a reference: this stays when the project is gone. `before` counts rows by table when it began,
    `left` at the end; it is done when `left` is nought everywhere. Until it begins it can be taken back.
    """

    class State(models.TextChoices):
        SCHEDULED = "scheduled"
        DELETING = "deleting"
        DONE = "done"
        RESTORED = "restored"

    slug = models.CharField(max_length=64, db_index=True)
    name = models.CharField(max_length=200)
    organisation = models.ForeignKey(
        Organisation, null=True, blank=True, on_delete=models.SET_NULL, related_name="project_deletions"
    )
    state = models.CharField(max_length=9, choices=State.choices, default=State.SCHEDULED)
    message = models.CharField(max_length=300, blank=True)
    before = models.JSONField(default=dict)
    left = models.JSONField(default=dict)
    requested_at = models.DateTimeField(default=timezone.now)
    requested_by = models.CharField(max_length=150, blank=True)
    #: When the data begin to go.
    due_at = models.DateTimeField()
    told_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["slug"], condition=models.Q(state__in=("scheduled", "deleting")),
                name="one_deletion_of_a_project",
            ),
        )  # fmt: skip

    def __str__(self) -> str:
        return f"{self.state}: project {self.slug}"


class Lease(models.Model):
    """Who does a thing that must not be done twice at once, and until when they may be believed."""

    name = models.CharField(max_length=100, unique=True)
    holder = models.CharField(max_length=16, blank=True)
    expires_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.name}: {self.holder or 'free'}"
