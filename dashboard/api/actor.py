"""Who did something, as histories name them."""

from __future__ import annotations

from rest_framework.request import Request

from dashboard.api.authentication import identity


def actor(request: Request) -> str:
    """A login's user name, else `key PREFIX`, else (an open installation on this machine) "this machine"."""
    if request.user and request.user.is_authenticated:
        return request.user.get_username()[:150]
    prefix = identity(request).key_prefix
    return f"key {prefix}" if prefix else "this machine"
