"""What the caller may do: one scope per view and kind of method."""

from __future__ import annotations

from typing import Any

from rest_framework import exceptions
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from dashboard.api.authentication import identity


class HasIdentity(BasePermission):
    """Lets everybody through who has proved a project, whatever the scopes."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.auth is None:
            raise exceptions.NotAuthenticated("Send a key: `authorization: Bearer KEY` or `x-api-key: KEY`.")
        return True


class HasScope(HasIdentity):
    """Lets a request through when its identity holds the view's scope.

    A view may set `required_scope` (GET, HEAD, OPTIONS; "read" unless set) and
    `required_scope_unsafe` (all other methods; "admin" unless set).
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        super().has_permission(request, view)
        if request.method in SAFE_METHODS:
            scope = getattr(view, "required_scope", "read")
        else:
            scope = getattr(view, "required_scope_unsafe", "admin")
        held = identity(request).scopes
        # Who may change what on-call is may also answer a call.
        if scope not in held and not (scope == "respond" and "admin" in held):
            raise exceptions.PermissionDenied(f"This needs the scope {scope!r}.")
        return True
