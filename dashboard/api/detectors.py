"""Detectors: what they are, how they are set, how they do; and backtests of other settings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import detection_shapes
from dashboard.api.endpoint import Endpoint
from dashboard.api.prices import made
from dashboard.api.redaction import fields
from dashboard.api.schema import PROJECT, answers
from dashboard.api.times import parse_time
from tracestore import detector_settings, feedback, replay
from tracestore.clickhouse.detecting import findings
from tracestore.detectors.detector import Detector, WindowDetector
from tracestore.errors import InvalidInput, NotFound
from tracestore.models import Backtest, DetectorRun, DetectorSettings
from tracestore.moments import utc_text_if
from tracestore.replay import Past

COUNTED = timedelta(days=7)
#: Backtests that are listed, the latest first.
LISTED = 20
NAMES = ("agent", "enabled", "halts", "settings")
DETECTOR_ID = OpenApiParameter("detector_id", OpenApiTypes.STR, OpenApiParameter.PATH)
BACKTEST_ID = OpenApiParameter("backtest_id", OpenApiTypes.INT, OpenApiParameter.PATH)


class DetectorList(Endpoint):
    @extend_schema(
        operation_id="detectors_list",
        tags=["detectors"],
        summary="List detectors",
        description="All detectors with their settings, what they found in 7 days, what they cost and how they do.",
        parameters=[PROJECT],
        responses=answers(detection_shapes.DetectorPage, 503),
    )
    def get(self, request: Request) -> Response:
        return Response({"results": described(self.project, detector_settings.by_id()), "next": None})


class DetectorItem(Endpoint):
    @extend_schema(
        operation_id="detectors_read",
        tags=["detectors"],
        summary="Read a detector",
        description="One detector with its settings, what it found in 7 days, what it costs and how it does.",
        parameters=[DETECTOR_ID, PROJECT],
        responses=answers(detection_shapes.Detector, 404, 503),
    )
    def get(self, request: Request, detector_id: str) -> Response:
        return Response(described(self.project, {detector_id: detector_settings.parts(detector_id)})[0])

    @extend_schema(
        operation_id="detectors_change",
        tags=["detectors"],
        summary="Set a detector",
        description="For all agents, or for the one that is named, in place of what was set before. What is left out "
        "is as for all agents, else as the detector comes. Counts within seconds.",
        parameters=[DETECTOR_ID, PROJECT],
        request=detection_shapes.OwnSettings,
        responses=answers(detection_shapes.Detector, 400, 404, 503),
    )
    def put(self, request: Request, detector_id: str) -> Response:
        found = detector_settings.parts(detector_id)
        sent = fields(request.data)
        for name in sent:
            if name not in NAMES:
                raise InvalidInput(f"There is no such field: expected {', '.join(NAMES)}.", field=str(name)[:100])
        agent, values = sent.get("agent", ""), sent.get("settings") or {}
        if not isinstance(agent, str):
            raise InvalidInput("agent: expected a text.", field="agent")
        for name in ("enabled", "halts"):
            if not isinstance(sent.get(name), bool | None):
                raise InvalidInput(f"{name}: expected true, false or null.", field=name)
        if not isinstance(values, dict):
            raise InvalidInput("settings: expected an object.", field="settings")
        detector_settings.change(
            self.project, detector_id, agent=agent, enabled=sent.get("enabled"), halts=sent.get("halts"), values=values
        )
        return Response(described(self.project, {detector_id: found})[0])


class Backtests(Endpoint):
    @extend_schema(
        operation_id="detectors_backtests",
        tags=["detectors"],
        summary="List backtests",
        description="Backtests of a detector, the latest first.",
        parameters=[DETECTOR_ID, PROJECT],
        responses=answers(detection_shapes.BacktestPage, 404),
    )
    def get(self, request: Request, detector_id: str) -> Response:
        name = detector_settings.parts(detector_id)[0].id
        rows = Backtest.objects.filter(project__slug=self.project, detector=name).order_by("-pk")[:LISTED]
        return Response({"results": [backtest_job(row) for row in rows], "next": None})

    @extend_schema(
        operation_id="detectors_backtest",
        tags=["detectors"],
        summary="Try settings on the past",
        description="Works out in the background what the detector would have said of stored runs with these "
        "settings. Stores nothing.",
        parameters=[DETECTOR_ID, PROJECT],
        request=detection_shapes.BacktestFields,
        responses=made(detection_shapes.Backtest, 202, 400, 404, 429, 503),
    )
    def post(self, request: Request, detector_id: str) -> Response:
        sent = fields(request.data or {})
        for name in sent:
            if name not in ("settings", "since", "until", "agent"):
                raise InvalidInput(
                    "There is no such field: expected settings, since, until, agent.", field=str(name)[:100]
                )
        texts = {name: sent.get(name, default) for name, default in (("since", "7d"), ("until", "now"), ("agent", ""))}
        for name, value in texts.items():
            if not isinstance(value, str):
                raise InvalidInput(f"{name}: expected a text.", field=name)
        values = sent.get("settings") or {}
        if not isinstance(values, dict):
            raise InvalidInput("settings: expected an object.", field="settings")
        now = timezone.now()
        past = Past(
            self.project,
            parse_time(texts["since"], "since", now=now),
            parse_time(texts["until"], "until", now=now),
            texts["agent"],
        )
        return Response(backtest_job(replay.start_backtest(past, detector_id, values)), status=202)


class BacktestItem(Endpoint):
    @extend_schema(
        operation_id="detectors_backtest_read",
        tags=["detectors"],
        summary="Read a backtest",
        description="How far a backtest is, and what it found.",
        parameters=[DETECTOR_ID, BACKTEST_ID, PROJECT],
        responses=answers(detection_shapes.Backtest, 404),
    )
    def get(self, request: Request, detector_id: str, backtest_id: int) -> Response:
        row = Backtest.objects.filter(project__slug=self.project, detector=detector_id, pk=backtest_id).first()
        if row is None:
            raise NotFound("There is no such backtest in this project.")
        return Response(backtest_job(row))


def described(project: str, detectors: Mapping[str, Sequence[Detector]]) -> list[dict[str, Any]]:
    """Detectors as the API gives them, each with all its parts."""
    settings = detector_settings.of_project(project)
    counts = findings.counts(project, timezone.now() - COUNTED)
    precision = feedback.precision(project)
    runs = {row.detector: row for row in DetectorRun.objects.all()}
    own: dict[str, list[DetectorSettings]] = defaultdict(list)
    for row in DetectorSettings.objects.filter(project__slug=project).order_by("agent"):
        own[row.detector].append(row)
    nothing = {"findings": 0, "critical": 0, "warning": 0, "info": 0, "dismissed": 0, "wasted_cost_usd": 0.0}
    return [
        {
            "id": name,
            "version": parts[0].version,
            "title": parts[0].title,
            "method": "\n\n".join(part.method.strip() for part in parts),
            "reads": ["window" if isinstance(part, WindowDetector) else "run" for part in parts],
            "every_seconds": min(
                (part.every.total_seconds() for part in parts if isinstance(part, WindowDetector)), default=None
            ),
            "enabled": settings.enabled(name, ""),
            "halts": settings.halts(name, ""),
            "settings": detector_settings.described(parts),
            "own": [
                {"agent": row.agent, "enabled": row.enabled, "halts": row.halts, "settings": row.values}
                for row in own[name]
            ],
            "counts": counts.get(name, nothing),
            "runs": runs_of(name, runs.get(name)),
            "feedback": precision.get(name, {"confirmed": 0, "dismissed": 0, "precision": None}),
        }
        for name, parts in detectors.items()
    ]


def runs_of(name: str, row: DetectorRun | None) -> dict[str, Any]:
    row = row or DetectorRun(detector=name)
    return {
        "looks": row.looks,
        "failures": row.failures,
        "cpu_seconds": row.cpu_seconds,
        "slowest_seconds": row.slowest_seconds,
        "last_failure": row.last_failure,
        "last_failure_at": utc_text_if(row.last_failure_at),
    }


def backtest_job(row: Backtest) -> dict[str, Any]:
    return {
        "id": row.pk,
        "detector": row.detector,
        "agent": row.agent,
        "settings": row.values,
        "since": utc_text_if(row.since),
        "until": utc_text_if(row.until),
        "state": row.state,
        "message": row.message,
        "total": row.total,
        "seen": row.seen,
        "outcome": row.outcome,
    }
