"""The API's addresses alone, so that these tests do not depend on the pages; and two that change things."""

from __future__ import annotations

from django.urls import include, path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard import health
from dashboard.api.endpoint import Endpoint


@extend_schema(exclude=True)
class Change(Endpoint):
    def post(self, request: Request) -> Response:
        return Response({"changed": self.project, "sent": request.data})


@extend_schema(exclude=True)
class Question(Change):
    required_scope_unsafe = "read"


urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.Metrics.as_view()),
    path("api/v1/test/change/", Change.as_view()),
    path("api/v1/test/question/", Question.as_view()),
    path("", include("dashboard.api.urls")),
]
