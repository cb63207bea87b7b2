"""Addresses of the API. Included at the root; pages come after it."""

from __future__ import annotations

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView

from dashboard.api import docs
from dashboard.api import schema as schema  # its extensions register themselves when imported
from dashboard.api.export import ExportView
from dashboard.api.keys import KeyItem, KeyList, KeyRotation
from dashboard.api.limits import LimitsView
from dashboard.api.model_list import ModelList
from dashboard.api.prices import PriceItem, PriceList, RepricingItem, Repricings
from dashboard.api.projects import CurrentProject
from dashboard.api.redaction import RedactionPreview, RedactionRuleItem, RedactionRules
from dashboard.api.retention import RetentionView
from dashboard.api.traces import SpanDetailView, TraceColumns, TraceDetail, TraceList
from dashboard.api.unknown import Unknown

version_1 = [
    path("projects/current/", CurrentProject.as_view(), name="api-current-project"),
    path("keys/", KeyList.as_view(), name="api-keys"),
    path("keys/<int:key_id>/", KeyItem.as_view(), name="api-key"),
    path("keys/<int:key_id>/rotate/", KeyRotation.as_view(), name="api-key-rotate"),
    path("models/", ModelList.as_view(), name="api-models"),
    path("prices/", PriceList.as_view(), name="api-prices"),
    path("prices/reprice/", Repricings.as_view(), name="api-repricings"),
    path("prices/reprice/<int:repricing_id>/", RepricingItem.as_view(), name="api-repricing"),
    path("prices/<int:price_id>/", PriceItem.as_view(), name="api-price"),
    path("export/<str:table>.<str:format>", ExportView.as_view(), name="api-export"),
    path("limits/", LimitsView.as_view(), name="api-limits"),
    path("redaction-rules/", RedactionRules.as_view(), name="api-redaction-rules"),
    path("redaction-rules/preview/", RedactionPreview.as_view(), name="api-redaction-preview"),
    path("redaction-rules/<str:name>/", RedactionRuleItem.as_view(), name="api-redaction-rule"),
    path("retention/", RetentionView.as_view(), name="api-retention"),
    path("traces/", TraceList.as_view(), name="api-traces"),
    path("traces/<str:trace_id>/", TraceDetail.as_view(), name="api-trace"),
    path("traces/<str:trace_id>/columns/", TraceColumns.as_view(), name="api-trace-columns"),
    path("traces/<str:trace_id>/spans/<str:span_id>/", SpanDetailView.as_view(), name="api-span"),
]

urlpatterns = [
    path("api/v1/", include(version_1)),
    path("api/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/docs/", docs.page, name="api-docs"),
    # Last of all: whatever else begins so is answered in JSON too.
    re_path(r"^api/", Unknown.as_view()),
]
