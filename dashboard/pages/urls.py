"""All pages. The API has its own list in `dashboard/api/urls.py`."""

from __future__ import annotations

from django.urls import path

from dashboard.pages import limits, login, models, redaction, retention, settings, span, trace, traces

urlpatterns = [
    path("", traces.home, name="home"),
    path("login/", login.Login.as_view(), name="login"),
    path("login/link/<str:token>/", login.login_by_link, name="login-link"),
    path("logout/", login.Logout.as_view(), name="logout"),
    path("models/", models.models, name="models"),
    path("models/price/", models.set_price, name="price-set"),
    path("models/price/<str:number>/delete/", models.delete_price, name="price-delete"),
    path("models/reprice/", models.start_repricing, name="reprice"),
    path("models/repricing/", models.repricing, name="repricing"),
    path("settings/limits/", limits.settings_page, name="limits"),
    path("settings/", settings.index, name="settings"),
    path("settings/redaction/", redaction.settings_page, name="redaction"),
    path("settings/retention/", retention.settings_page, name="retention"),
    path("traces/", traces.traces, name="traces"),
    path("traces/new/", traces.new_traces, name="traces-new"),
    path("traces/first/", traces.first_trace, name="traces-first"),
    path("traces/<str:trace_id>/", trace.trace, name="trace"),
    path("traces/<str:trace_id>/columns/", trace.trace_columns, name="trace-columns"),
    path("traces/<str:trace_id>/spans/<str:span_id>/", span.span, name="span"),
    path("traces/<str:trace_id>/spans/<str:span_id>/<str:part>.txt", span.download, name="span-download"),
]
