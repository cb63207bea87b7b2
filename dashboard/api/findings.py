"""Findings: list them, read one, confirm or dismiss it."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import detection_shapes, filters
from dashboard.api.endpoint import Endpoint
from dashboard.api.redaction import fields
from dashboard.api.schema import PROJECT, answers
from dashboard.api.times import EXPECTED, rfc3339
from dashboard.api.traces import LIMIT
from tracestore import feedback
from tracestore.clickhouse.detecting import findings
from tracestore.clickhouse.detecting.findings import FindingFilter, StoredFinding
from tracestore.errors import InvalidInput, NotFound
from tracestore.models import Feedback
from tracestore.moments import utc_text

_ID = re.compile(r"[0-9a-f]{32}")
FINDING_ID = OpenApiParameter("finding_id", OpenApiTypes.STR, OpenApiParameter.PATH, description="32 hex digits.")
TEXTS = ("detector", "agent", "trace_id", "severity", "fingerprint")
LIST_PARAMETERS = [
    OpenApiParameter("detector", str, description="Only this detector."),
    OpenApiParameter("agent", str, description="Only about this agent."),
    OpenApiParameter("trace_id", str, description="Only about this trace."),
    OpenApiParameter("severity", str, enum=findings.SEVERITIES, description="Only this severity."),
    OpenApiParameter("fingerprint", str, description="Only this problem."),
    OpenApiParameter("since", str, description=f"First seen at or after this time; {EXPECTED}."),
    OpenApiParameter("until", str, description="First seen before this time; as `since`."),
    OpenApiParameter("dismissed", bool, description="`false` leaves dismissed ones out."),
    LIMIT,
    OpenApiParameter("cursor", str, description="`next` of the page before."),
    PROJECT,
]


class FindingList(Endpoint):
    @extend_schema(
        operation_id="findings_list",
        tags=["findings"],
        summary="List findings",
        description="What detectors found, the latest first.",
        parameters=LIST_PARAMETERS,
        responses=answers(detection_shapes.FindingPage, 400, 503),
    )
    def get(self, request: Request) -> Response:
        params = request.query_params
        wanted = wanted_of(params)
        limit = filters.whole_number(params, "limit", filters.DEFAULT_LIMIT, filters.MAX_LIMIT)
        page = findings.listed(self.project, wanted, limit=limit, cursor=params.get("cursor") or None)
        said = feedback.of(self.project, [one.id for one in page.results])
        results = [represented(self.project, one, said.get(one.id)) for one in page.results]
        return Response({"results": results, "next": page.next})


class FindingItem(Endpoint):
    @extend_schema(
        operation_id="findings_read",
        tags=["findings"],
        summary="Read a finding",
        description="One finding with its evidence and what was said of it.",
        parameters=[FINDING_ID, PROJECT],
        responses=answers(detection_shapes.Finding, 404, 503),
    )
    def get(self, request: Request, finding_id: str) -> Response:
        return Response(read(self.project, known(finding_id)))


class Judging(Endpoint):
    """Says something of a finding and answers with it."""

    judgement: Feedback.Judgement

    def judge(self, request: Request, finding_id: str) -> Response:
        sent = fields(request.data or {})
        for name in sent:
            if name != "reason":
                raise InvalidInput("There is no such field: expected reason.", field=str(name)[:100])
        reason = sent.get("reason", "")
        if not isinstance(reason, str):
            raise InvalidInput("reason: expected a text.", field="reason")
        feedback.say(self.project, known(finding_id), self.judgement, reason, request.user or None)
        return Response(read(self.project, finding_id.lower()))


class FindingConfirm(Judging):
    judgement = feedback.CONFIRMED

    @extend_schema(
        operation_id="findings_confirm",
        tags=["findings"],
        summary="Confirm a finding",
        description="It is right. Counts for the detector's precision.",
        parameters=[FINDING_ID, PROJECT],
        request=detection_shapes.FeedbackFields,
        responses=answers(detection_shapes.Finding, 400, 404, 503),
    )
    def post(self, request: Request, finding_id: str) -> Response:
        return self.judge(request, finding_id)


class FindingDismiss(Judging):
    judgement = feedback.DISMISSED

    @extend_schema(
        operation_id="findings_dismiss",
        tags=["findings"],
        summary="Dismiss a finding",
        description="It is no problem. Findings of its fingerprint do not count, these and those to come.",
        parameters=[FINDING_ID, PROJECT],
        request=detection_shapes.FeedbackFields,
        responses=answers(detection_shapes.Finding, 400, 404, 503),
    )
    def post(self, request: Request, finding_id: str) -> Response:
        return self.judge(request, finding_id)


class FindingUndo(Endpoint):
    @extend_schema(
        operation_id="findings_undo",
        tags=["findings"],
        summary="Take feedback back",
        description="Forgets what was said of a finding; a dismissed problem counts again.",
        parameters=[FINDING_ID, PROJECT],
        request=None,
        responses=answers(detection_shapes.Finding, 404, 503),
    )
    def post(self, request: Request, finding_id: str) -> Response:
        feedback.take_back(self.project, known(finding_id))
        return Response(read(self.project, finding_id.lower()))


def wanted_of(params: Any) -> FindingFilter:
    """The list's query.

    Raises:
        InvalidInput: a parameter has a bad value; names it and says what is expected.
    """
    texts = {name: params.get(name, "").strip() for name in TEXTS}
    for name, value in texts.items():
        if len(value) > filters.MAX_TEXT:
            raise InvalidInput(f"{name} is too long: at most {filters.MAX_TEXT} characters.", field=name)
    if texts["severity"] and texts["severity"] not in findings.SEVERITIES:
        raise InvalidInput(
            f"severity={texts['severity'][:100]!r} is not known: expected {', '.join(findings.SEVERITIES)}.",
            field="severity",
        )
    texts["trace_id"] = texts["trace_id"].lower()
    dismissed = params.get("dismissed", "true").lower()
    if dismissed not in ("true", "false"):
        raise InvalidInput("dismissed: expected true or false.", field="dismissed")
    since, until = filters.bound(params, "since"), filters.bound(params, "until")
    if since is not None and until is not None and since > until:
        raise InvalidInput("since is later than until: expected an earlier time.", field="since")
    return FindingFilter(**texts, since=since, until=until, live=dismissed == "false")


def known(finding_id: str) -> str:
    found = finding_id.lower()
    if not _ID.fullmatch(found):
        raise NotFound("There is no such finding: an id is 32 hexadecimal digits.")
    return found


def read(project: str, finding_id: str) -> dict[str, Any]:
    return represented(project, findings.one(project, finding_id), feedback.of(project, [finding_id]).get(finding_id))


def represented(project: str, one: StoredFinding, said: Feedback | None) -> dict[str, Any]:
    return {
        "id": one.id,
        "detector": one.detector,
        "version": one.version,
        "severity": one.severity,
        "title": one.title,
        "explanation": one.explanation,
        "project": project,
        "agent": one.agent,
        "trace_id": one.trace_id,
        "span_ids": one.span_ids,
        "first_seen": rfc3339(one.first_seen_ns),
        "last_seen": rfc3339(one.last_seen_ns),
        "wasted_cost_usd": one.wasted_cost_usd,
        "wasted_tokens": one.wasted_tokens,
        "evidence": one.evidence,
        "fingerprint": one.fingerprint,
        "key": one.key,
        "cause": one.cause,
        "look_first": one.look_first,
        "dismissed": one.dismissed,
        "feedback": said
        and {
            "judgement": said.judgement,
            "reason": said.reason,
            "at": utc_text(said.at),
            "by": said.by.get_username() if said.by else "",
        },
    }
