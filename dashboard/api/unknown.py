"""Addresses under /api/ that nothing answers: a JSON 404, where Django would send a page."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseBase, HttpResponseRedirect
from django.urls import Resolver404, resolve
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions
from rest_framework.request import Request

from dashboard.api.endpoint import Endpoint


class SameRequest(HttpResponseRedirect):
    """308: unlike 301, the method and the body are sent again."""

    status_code = 308


@extend_schema(exclude=True)
class Unknown(Endpoint):
    """The last route: redirects who left out the closing slash, refuses everything else."""

    # Nobody needs to prove anything to learn that an address does not exist.
    authentication_classes = ()
    permission_classes = ()
    # None is served, so that every method ends in `http_method_not_allowed`.
    http_method_names: list[str] = []  # noqa: RUF012 (Django declares it as an instance's)

    def http_method_not_allowed(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:  # type: ignore[override]
        if self.known(f"{request.path_info}/"):
            query = request.META.get("QUERY_STRING", "")
            return SameRequest(f"{request.path}/" + (f"?{query}" if query else ""))
        raise exceptions.NotFound("There is no such address. All that there are: /api/docs/.")

    def known(self, path: str) -> bool:
        try:
            match = resolve(path)
        except Resolver404:
            return False
        return getattr(match.func, "cls", None) is not Unknown
