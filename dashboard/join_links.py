"""The address of an invitation, for who gets it by mail or from whoever invites."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def link(request: HttpRequest, token: str) -> str:
    """Under the address that the operator set, else the one by which this request came; hosts are from a fixed list."""
    root = settings.ENVIRONMENT.public_url or request.build_absolute_uri("/").rstrip("/")
    return f"{root}/join/{token}/"
