"""/healthz, /readyz and /metrics: for the machines that look after this one."""

from __future__ import annotations

import structlog
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from rest_framework.request import Request

from dashboard.api.endpoint import Endpoint
from dashboard.detector_metrics import DetectorMetrics
from dashboard.metrics import REGISTRY
from dashboard.notification_metrics import NotificationMetrics
from dashboard.status_metrics import StatusMetrics
from tracestore.errors import TracestoreError

log = structlog.get_logger(__name__)

REGISTRY.register(DetectorMetrics())
REGISTRY.register(NotificationMetrics())
REGISTRY.register(StatusMetrics())


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process runs. Asks nothing else: restarting it would not mend a database that is down."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether requests can be answered, and if not, which part is missing and why."""
    reasons = {"database": database_reason(), "store": store_reason()}
    ready = not any(reasons.values())
    checks = {
        part: {"ok": reason is None} if reason is None else {"ok": False, "reason": reason}
        for part, reason in reasons.items()
    }
    return JsonResponse({"ready": ready, "checks": checks}, status=200 if ready else 503)


def database_reason() -> str | None:
    """Why the metadata database cannot be used, None when it can."""
    try:
        connection.ensure_connection()
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        log.warning("the metadata database does not answer", error=str(error))
        return "The metadata database does not answer; the log tells why."
    if pending:
        return f"{len(pending)} migrations are missing: run `manage.py migrate`."
    return None


def store_reason() -> str | None:
    """Why ClickHouse cannot be used, None when it can."""
    # Imported late: this module must load, and /healthz answer, without a client.
    from tracestore.clickhouse.client import ping

    try:
        ping()
    except TracestoreError as error:
        return error.message
    return None


@extend_schema(exclude=True)
class Metrics(Endpoint):
    """Prometheus text. Open where the API is; elsewhere the scraper sends a key with scope `read`."""

    def get(self, request: Request) -> HttpResponseBase:
        return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)
