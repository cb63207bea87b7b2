"""All addresses: the API's, the probes', the pages'."""

from __future__ import annotations

from django.urls import include, path

from dashboard import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.Metrics.as_view(), name="metrics"),
    path("", include("dashboard.api.urls")),
    path("jaeger/", include("dashboard.jaeger.urls")),
    path("", include("dashboard.pages.urls")),
]
