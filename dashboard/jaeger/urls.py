"""Addresses of Jaeger's API, below `/jaeger/`: the base URL for Grafana, the base path for Jaeger UI."""

from __future__ import annotations

from django.urls import path, re_path

from dashboard.jaeger import views, views_v3
from dashboard.jaeger.endpoint import Unknown

urlpatterns = [
    path("api/services", views.Services.as_view(), name="jaeger-services"),
    # A service's name may hold slashes.
    path("api/services/<path:service>/operations", views.OperationNames.as_view(), name="jaeger-operation-names"),
    path("api/operations", views.Operations.as_view(), name="jaeger-operations"),
    path("api/traces", views.Traces.as_view(), name="jaeger-traces"),
    path("api/traces/<str:trace_id>", views.TraceById.as_view(), name="jaeger-trace"),
    path("api/dependencies", views.Dependencies.as_view(), name="jaeger-dependencies"),
    path("api/v3/services", views_v3.Services.as_view(), name="jaeger-v3-services"),
    path("api/v3/operations", views_v3.Operations.as_view(), name="jaeger-v3-operations"),
    path("api/v3/traces", views_v3.Traces.as_view(), name="jaeger-v3-traces"),
    path("api/v3/traces/<str:trace_id>", views_v3.TraceById.as_view(), name="jaeger-v3-trace"),
    path("api/v3/trace-summaries", views_v3.TraceSummaries.as_view(), name="jaeger-v3-trace-summaries"),
    re_path(r"^api/", Unknown.as_view()),
]
