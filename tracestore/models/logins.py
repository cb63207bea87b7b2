"""What is kept of people who try to get in."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class LoginFailure(models.Model):
    """One wrong password, for a few minutes (`dashboard.login_limit`).

    Of the name only a digest: people type their password into the wrong field.
    """

    name_digest = models.CharField(max_length=64)
    address = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        indexes = (models.Index(fields=["name_digest", "at"], name="login_failures_of_a_name"),)

    def __str__(self) -> str:
        return f"wrong password from {self.address} at {self.at:%Y-%m-%d %H:%M:%S}"
