"""Addresses of the API. Included at the root; pages come after it."""

from __future__ import annotations

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView

from dashboard.api import docs
from dashboard.api import schema as schema  # its extensions register themselves when imported
from dashboard.api.agent_health import HealthItem, HealthList
from dashboard.api.aggregates import AgentItem, AgentList, SessionItem, SessionList, ToolItem, ToolList
from dashboard.api.alert_rules import AlertRuleItem, AlertRulePreviews, AlertRuleReset, AlertRuleRestoring, AlertRules
from dashboard.api.audit import AuditExport, AuditList
from dashboard.api.breakers import BreakerItem, BreakerList, BreakerRelease
from dashboard.api.budgets import BudgetItem, BudgetList, BudgetRestoring
from dashboard.api.capture import CaptureView
from dashboard.api.channels import (
    ChannelDeliveries,
    ChannelItem,
    ChannelList,
    ChannelRestoring,
    ChannelTesting,
)
from dashboard.api.compare import CompareView
from dashboard.api.deletions import DeletionItem, DeletionList
from dashboard.api.detectors import BacktestItem, Backtests, DetectorItem, DetectorList
from dashboard.api.export import ExportView
from dashboard.api.findings import FindingConfirm, FindingDismiss, FindingItem, FindingList, FindingUndo
from dashboard.api.halts import HaltItem, HaltLift, HaltList
from dashboard.api.incidents import (
    IncidentAcknowledge,
    IncidentItem,
    IncidentList,
    IncidentNotes,
    IncidentReopen,
    IncidentResolve,
    IncidentSnooze,
    IncidentUnacknowledge,
    IncidentWake,
)
from dashboard.api.invitations import InvitationItem, InvitationList, InvitationResend
from dashboard.api.keys import KeyItem, KeyList, KeyRotation
from dashboard.api.limits import LimitsView
from dashboard.api.members import MemberItem, MemberList
from dashboard.api.model_list import ModelList
from dashboard.api.organisations import OrganisationItem, OrganisationList
from dashboard.api.prices import PriceItem, PriceList, RepricingItem, Repricings
from dashboard.api.project_deletions import DeletionOfProject
from dashboard.api.projects import CurrentProject, ProjectItem, ProjectList
from dashboard.api.redaction import RedactionPreview, RedactionRuleItem, RedactionRules
from dashboard.api.retention import RetentionView
from dashboard.api.routes import RouteItem, RouteList, RouteOrder, RouteTrial
from dashboard.api.saved_views import SavedViewItem, SavedViewRestoring, SavedViews
from dashboard.api.silences import SilenceItem, SilenceList, SilencePreview
from dashboard.api.sql import SqlView
from dashboard.api.status import StatusView
from dashboard.api.trace_export import TraceExport
from dashboard.api.traces import SpanDetailView, TraceColumns, TraceDetail, TraceList
from dashboard.api.unknown import Unknown
from dashboard.api.verdict import VerdictView
from dashboard.api.verdict_stream import VerdictStream

version_1 = [
    path("projects/current/", CurrentProject.as_view(), name="api-current-project"),
    path("projects/", ProjectList.as_view(), name="api-projects"),
    path("projects/<str:slug>/", ProjectItem.as_view(), name="api-project"),
    path("projects/<str:slug>/deletion/", DeletionOfProject.as_view(), name="api-project-deletion"),
    path("organisations/", OrganisationList.as_view(), name="api-organisations"),
    path("organisations/<str:slug>/", OrganisationItem.as_view(), name="api-organisation"),
    path("organisations/<str:slug>/members/", MemberList.as_view(), name="api-members"),
    path("organisations/<str:slug>/members/<int:user_id>/", MemberItem.as_view(), name="api-member"),
    path("organisations/<str:slug>/invitations/", InvitationList.as_view(), name="api-invitations"),
    path("organisations/<str:slug>/invitations/<int:invitation_id>/", InvitationItem.as_view(), name="api-invitation"),
    path(
        "organisations/<str:slug>/invitations/<int:invitation_id>/resend/",
        InvitationResend.as_view(),
        name="api-invitation-resend",
    ),
    path("keys/", KeyList.as_view(), name="api-keys"),
    path("keys/<int:key_id>/", KeyItem.as_view(), name="api-key"),
    path("keys/<int:key_id>/rotate/", KeyRotation.as_view(), name="api-key-rotate"),
    path("agents/", AgentList.as_view(), name="api-agents"),
    path("agents/<path:name>/", AgentItem.as_view(), name="api-agent"),
    path("sessions/", SessionList.as_view(), name="api-sessions"),
    path("sessions/<path:session_id>/", SessionItem.as_view(), name="api-session"),
    path("tools/", ToolList.as_view(), name="api-tools"),
    path("tools/<path:name>/", ToolItem.as_view(), name="api-tool"),
    path("models/", ModelList.as_view(), name="api-models"),
    path("prices/", PriceList.as_view(), name="api-prices"),
    path("prices/reprice/", Repricings.as_view(), name="api-repricings"),
    path("prices/reprice/<int:repricing_id>/", RepricingItem.as_view(), name="api-repricing"),
    path("prices/<int:price_id>/", PriceItem.as_view(), name="api-price"),
    path("alert-rules/", AlertRules.as_view(), name="api-alert-rules"),
    path("alert-rules/preview/", AlertRulePreviews.as_view(), name="api-alert-rules-preview"),
    path("alert-rules/<int:rule_id>/", AlertRuleItem.as_view(), name="api-alert-rule"),
    path("alert-rules/<int:rule_id>/restore/", AlertRuleRestoring.as_view(), name="api-alert-rule-restore"),
    path("alert-rules/<int:rule_id>/reset/", AlertRuleReset.as_view(), name="api-alert-rule-reset"),
    path("channels/", ChannelList.as_view(), name="api-channels"),
    path("channels/<int:channel_id>/", ChannelItem.as_view(), name="api-channel"),
    path("channels/<int:channel_id>/restore/", ChannelRestoring.as_view(), name="api-channel-restore"),
    path("channels/<int:channel_id>/test/", ChannelTesting.as_view(), name="api-channel-test"),
    path("channels/<int:channel_id>/deliveries/", ChannelDeliveries.as_view(), name="api-channel-deliveries"),
    path("audit/", AuditList.as_view(), name="api-audit"),
    path("audit/export/", AuditExport.as_view(), name="api-audit-export"),
    path("compare/", CompareView.as_view(), name="api-compare"),
    path("export/<str:table>.<str:format>", ExportView.as_view(), name="api-export"),
    path("detectors/", DetectorList.as_view(), name="api-detectors"),
    path("detectors/<str:detector_id>/", DetectorItem.as_view(), name="api-detector"),
    path("detectors/<str:detector_id>/backtest/", Backtests.as_view(), name="api-backtests"),
    path("detectors/<str:detector_id>/backtest/<int:backtest_id>/", BacktestItem.as_view(), name="api-backtest"),
    path("findings/", FindingList.as_view(), name="api-findings"),
    path("findings/<str:finding_id>/", FindingItem.as_view(), name="api-finding"),
    path("findings/<str:finding_id>/confirm/", FindingConfirm.as_view(), name="api-finding-confirm"),
    path("findings/<str:finding_id>/dismiss/", FindingDismiss.as_view(), name="api-finding-dismiss"),
    path("findings/<str:finding_id>/undo/", FindingUndo.as_view(), name="api-finding-undo"),
    path("health/", HealthList.as_view(), name="api-health"),
    path("health/<path:agent>/", HealthItem.as_view(), name="api-agent-health"),
    path("verdict/", VerdictView.as_view(), name="api-verdict"),
    path("incidents/", IncidentList.as_view(), name="api-incidents"),
    path("incidents/<int:number>/", IncidentItem.as_view(), name="api-incident"),
    path("incidents/<int:number>/acknowledge/", IncidentAcknowledge.as_view(), name="api-incident-acknowledge"),
    path("incidents/<int:number>/unacknowledge/", IncidentUnacknowledge.as_view(), name="api-incident-unacknowledge"),
    path("incidents/<int:number>/resolve/", IncidentResolve.as_view(), name="api-incident-resolve"),
    path("incidents/<int:number>/reopen/", IncidentReopen.as_view(), name="api-incident-reopen"),
    path("incidents/<int:number>/snooze/", IncidentSnooze.as_view(), name="api-incident-snooze"),
    path("incidents/<int:number>/wake/", IncidentWake.as_view(), name="api-incident-wake"),
    path("incidents/<int:number>/notes/", IncidentNotes.as_view(), name="api-incident-notes"),
    path("routes/", RouteList.as_view(), name="api-routes"),
    path("routes/order/", RouteOrder.as_view(), name="api-routes-order"),
    path("routes/try/", RouteTrial.as_view(), name="api-routes-try"),
    path("routes/<int:number>/", RouteItem.as_view(), name="api-route"),
    path("silences/", SilenceList.as_view(), name="api-silences"),
    path("silences/preview/", SilencePreview.as_view(), name="api-silences-preview"),
    path("silences/<int:number>/", SilenceItem.as_view(), name="api-silence"),
    path("verdict/stream", VerdictStream.as_view(), name="api-verdict-stream"),
    path("budgets/", BudgetList.as_view(), name="api-budgets"),
    path("budgets/<int:budget_id>/", BudgetItem.as_view(), name="api-budget"),
    path("budgets/<int:budget_id>/restore/", BudgetRestoring.as_view(), name="api-budget-restore"),
    path("breakers/", BreakerList.as_view(), name="api-breakers"),
    path("breakers/<int:breaker_id>/", BreakerItem.as_view(), name="api-breaker"),
    path("breakers/<int:breaker_id>/release/", BreakerRelease.as_view(), name="api-breaker-release"),
    path("halts/", HaltList.as_view(), name="api-halts"),
    path("halts/<int:halt_id>/", HaltItem.as_view(), name="api-halt"),
    path("halts/<int:halt_id>/lift/", HaltLift.as_view(), name="api-halt-lift"),
    path("limits/", LimitsView.as_view(), name="api-limits"),
    path("capture/", CaptureView.as_view(), name="api-capture"),
    path("deletions/", DeletionList.as_view(), name="api-deletions"),
    path("deletions/<int:deletion_id>/", DeletionItem.as_view(), name="api-deletion"),
    path("redaction-rules/", RedactionRules.as_view(), name="api-redaction-rules"),
    path("redaction-rules/preview/", RedactionPreview.as_view(), name="api-redaction-preview"),
    path("redaction-rules/<str:name>/", RedactionRuleItem.as_view(), name="api-redaction-rule"),
    path("retention/", RetentionView.as_view(), name="api-retention"),
    path("saved-views/", SavedViews.as_view(), name="api-saved-views"),
    path("saved-views/<int:view_id>/", SavedViewItem.as_view(), name="api-saved-view"),
    path("saved-views/<int:view_id>/restore/", SavedViewRestoring.as_view(), name="api-saved-view-restore"),
    path("status/", StatusView.as_view(), name="api-status"),
    path("sql/", SqlView.as_view(), name="api-sql"),
    path("traces/", TraceList.as_view(), name="api-traces"),
    path("traces/<str:trace_id>/", TraceDetail.as_view(), name="api-trace"),
    path("traces/<str:trace_id>/columns/", TraceColumns.as_view(), name="api-trace-columns"),
    path("traces/<str:trace_id>/export/<str:format>/", TraceExport.as_view(), name="api-trace-export"),
    path("traces/<str:trace_id>/spans/<str:span_id>/", SpanDetailView.as_view(), name="api-span"),
]

urlpatterns = [
    path("api/v1/", include(version_1)),
    path("api/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/docs/", docs.page, name="api-docs"),
    # Last of all: whatever else begins so is answered in JSON too.
    re_path(r"^api/", Unknown.as_view()),
]
