"""Deleting all that is kept of a trace, a session or a user: order it, and read how far it is and the proof."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api.actor import actor
from dashboard.api.endpoint import Endpoint
from dashboard.api.keys import body
from dashboard.api.schema import PROJECT, answers
from dashboard.api.shape_fields import choice
from tracestore import deletion
from tracestore.clickhouse.deleting import Subject
from tracestore.errors import InvalidInput
from tracestore.models import Deletion
from tracestore.moments import utc_text_if

DELETION_ID = OpenApiParameter("deletion_id", OpenApiTypes.INT, OpenApiParameter.PATH)
#: Orders that are listed, the latest first.
LISTED = 100


def identifier(what: str) -> serializers.CharField:
    return serializers.CharField(required=False, max_length=deletion.MOST_VALUE, help_text=what)


class DeletionFields(serializers.Serializer[Any]):
    trace_id = identifier("One of the three: this trace.")
    session_id = identifier("All traces that have a span of this session.")
    user_id = identifier("All traces that have a span of this user.")


class DeletedTable(serializers.Serializer[Any]):
    table = serializers.CharField(help_text="A table of the store, or a kind of on-call's records.")
    deleted = serializers.IntegerField(help_text="Rows that are gone, old versions included; records changed.")
    left = serializers.IntegerField(allow_null=True, help_text="Counted at the end; null before.")


class DeletionShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    kind = choice(tuple(Deletion.Kind.values))
    value = serializers.CharField(help_text="The id of the trace, session or user.")
    state = choice(tuple(Deletion.State.values))
    message = serializers.CharField(help_text="What it is at, or why it failed.")
    traces = serializers.IntegerField(help_text="Traces found so far.")
    tables = DeletedTable(many=True)
    searches = serializers.ListField(
        child=serializers.CharField(), help_text="Names of saved searches that asked for it, and are deleted with it."
    )
    requested_at = serializers.DateTimeField()
    requested_by = serializers.CharField()
    finished_at = serializers.DateTimeField(allow_null=True)


class DeletionPage(serializers.Serializer[Any]):
    results = DeletionShape(many=True)
    next = serializers.CharField(allow_null=True)


class DeletionList(Endpoint):
    required_scope = "admin"

    @extend_schema(
        operation_id="deletions_list",
        tags=["privacy"],
        summary="List deletions",
        description=f"The latest {LISTED} orders, the newest first, each with its proof.",
        parameters=[PROJECT],
        responses=answers(DeletionPage),
    )
    def get(self, request: Request) -> Response:
        rows = Deletion.objects.filter(project__slug=self.project).order_by("-pk")[:LISTED]
        return Response({"results": [described(row) for row in rows], "next": None})

    @extend_schema(
        operation_id="deletions_order",
        tags=["privacy"],
        summary="Delete a trace, a session or a user",
        description="Orders the deletion of all that is kept of it; the worker does it in the background. It cannot be "
        "taken back. Spans that arrive while it runs are deleted too; what arrives after it is done is stored again. "
        "The same order twice, while the first waits or runs, is one.",
        parameters=[PROJECT],
        request=DeletionFields,
        responses={
            202: DeletionShape,
            **{code: shape for code, shape in answers(DeletionShape, 400, 429).items() if code != 200},
        },
    )
    def post(self, request: Request) -> Response:
        row = deletion.order(wanted(self.project, body(request, set(deletion.FIELDS))), actor(request))
        return Response(described(row), status=202)


class DeletionItem(Endpoint):
    required_scope = "admin"

    @extend_schema(
        operation_id="deletions_read",
        tags=["privacy"],
        summary="Read a deletion",
        description="How far it is; and when it is done, what is gone and what is left in each table.",
        parameters=[DELETION_ID, PROJECT],
        responses=answers(DeletionShape, 404),
    )
    def get(self, request: Request, deletion_id: int) -> Response:
        return Response(described(deletion.find(self.project, deletion_id)))


def wanted(project: str, sent: dict[str, Any]) -> Subject:
    """Whose data a request names.

    Raises:
        InvalidInput: it names none, several, or what cannot be.
    """
    if len(sent) != 1:
        raise InvalidInput(f"Expected exactly one of {', '.join(deletion.FIELDS)}.", field="trace_id")
    ((name, value),) = sent.items()
    return deletion.subject_of(project, deletion.FIELDS[name], value)


def described(row: Deletion) -> dict[str, Any]:
    return {
        "id": row.pk,
        "kind": row.kind,
        "value": row.value,
        "state": row.state,
        "message": row.message,
        "traces": row.traces,
        "tables": [
            {"table": name, "deleted": deleted, "left": left} for name, deleted, left in deletion.tables_of(row)
        ],
        "searches": row.searches,
        "requested_at": utc_text_if(row.requested_at),
        "requested_by": row.requested_by,
        "finished_at": utc_text_if(row.finished_at),
    }
