"""The base of all API views: JSON, never cached by anybody in between, bound to the caller's project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from dashboard.api.authentication import identity
from dashboard.api.rendering import AlwaysJson, JsonRenderer
from dashboard.api.request_limit import CallerLimit
from dashboard.read_budget import read_for


class Endpoint(APIView):
    """An API view. `required_scope` and `required_scope_unsafe` say what a caller must hold."""

    renderer_classes = (JsonRenderer,)
    content_negotiation_class = AlwaysJson
    throttle_classes: Sequence[type[BaseThrottle]] = (CallerLimit,)
    required_scope: str = "read"
    required_scope_unsafe: str = "admin"
    #: Whether a login that is in no project is turned away.
    project_needed: bool = True
    #: Whether what is read for it is taken off the project's budget.
    reads_on_account: bool = True

    @property
    def project(self) -> str:
        """The only project that this request may touch."""
        return identity(self.request).project

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        request._request.asked = request  # type: ignore[attr-defined]  # for the audit log: which fields were sent
        super().initial(request, *args, **kwargs)
        if self.reads_on_account and request.auth is not None and self.project:
            read_for(self.project, "api")

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response.headers.setdefault("Cache-Control", "no-store")
        return super().finalize_response(request, response, *args, **kwargs)
