"""Metadata kept beside ClickHouse, by subject. What on-call keeps is in `tracestore.alerts.models`."""

from tracestore.models.detecting import Backtest, DetectorRun, DetectorSettings, Feedback
from tracestore.models.logins import LoginFailure
from tracestore.models.prices import PriceOverride, Repricing
from tracestore.models.project_settings import (
    ProjectCapture,
    ProjectLimits,
    ProjectRedaction,
    ProjectRetention,
    RedactionRule,
    SavedView,
)
from tracestore.models.records import AuditEntry, Deletion, Lease, ProjectDeletion
from tracestore.models.tenancy import (
    ApiKey,
    Invitation,
    LoginLink,
    Membership,
    Organisation,
    OrganisationMembership,
    Project,
    Role,
)

__all__ = (
    "ApiKey",
    "AuditEntry",
    "Backtest",
    "Deletion",
    "DetectorRun",
    "DetectorSettings",
    "Feedback",
    "Invitation",
    "Lease",
    "LoginFailure",
    "LoginLink",
    "Membership",
    "Organisation",
    "OrganisationMembership",
    "PriceOverride",
    "Project",
    "ProjectCapture",
    "ProjectDeletion",
    "ProjectLimits",
    "ProjectRedaction",
    "ProjectRetention",
    "RedactionRule",
    "Repricing",
    "Role",
    "SavedView",
)
