"""The base of all API views: JSON, never cached by anybody in between, bound to the caller's project."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from dashboard.api.authentication import identity
from dashboard.api.rendering import AlwaysJson, JsonRenderer


class Endpoint(APIView):
    """An API view. `required_scope` and `required_scope_unsafe` say what a caller must hold."""

    renderer_classes = (JsonRenderer,)
    content_negotiation_class = AlwaysJson
    required_scope: str = "read"
    required_scope_unsafe: str = "admin"

    @property
    def project(self) -> str:
        """The only project that this request may touch."""
        return identity(self.request).project

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response.headers.setdefault("Cache-Control", "no-store")
        return super().finalize_response(request, response, *args, **kwargs)
