"""The audit log: who did what, for the project's admins; all of the organisation for its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.http import QueryDict, StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import filters
from dashboard.api.endpoint import Endpoint
from dashboard.api.schema import PROJECT, answers, files
from dashboard.api.shape_fields import AttributesField, moment, text
from dashboard.api.times import EXPECTED
from dashboard.api.traces import LIMIT
from tracestore.access import at_least, role_in_organisation
from tracestore.audit import reading
from tracestore.audit.reading import Wanted
from tracestore.errors import Forbidden, InvalidInput
from tracestore.models import Project, Role

OF = ("project", "organisation")
ONLY_ORGANISATION = "All of the organisation is for its owners and admins who are logged in."


class AuditEntryShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    at = moment()
    organisation = text()
    project = text("Empty for what concerns the whole organisation.")
    actor = text("A user's name, `key PREFIX`, `this machine`, or the name of a command or job.")
    actor_kind = serializers.CharField(help_text="user, key, machine, command or job.")
    address = text("Where the request came from.")
    request_id = text("As in the answer's `x-request-id` and in the server's log.")
    action = serializers.CharField(help_text="A word of the table in docs/audit.md.")
    subject = text("What it was done to.")
    detail = AttributesField(help_text="The fields that were sent, and the values of harmless ones; of SQL the text.")


class AuditPage(serializers.Serializer[Any]):
    results = AuditEntryShape(many=True)
    next = serializers.CharField(allow_null=True)


FILTERS = [
    OpenApiParameter("action", str, description="Only this word, such as `key.created`; `key` means all of keys."),
    OpenApiParameter("actor", str, description="Only what this one did."),
    OpenApiParameter("subject", str, description="Only what has this in its subject."),
    OpenApiParameter("since", str, description=f"At or after this time; {EXPECTED}."),
    OpenApiParameter("until", str, description="Before this time; as `since`."),
    OpenApiParameter("of", str, enum=list(OF), description=f"Whose; `project` unless said. {ONLY_ORGANISATION}"),
]


class AuditList(Endpoint):
    required_scope = "admin"

    @extend_schema(
        operation_id="audit_list",
        tags=["audit"],
        summary="List what was done",
        description="Entries of the audit log, the latest first. They are never changed and never deleted.",
        parameters=[
            *FILTERS,
            LIMIT,
            OpenApiParameter("cursor", str, description="`next` of the page before."),
            PROJECT,
        ],
        responses=answers(AuditPage, 400),
    )
    def get(self, request: Request) -> Response:
        params = request.query_params
        wanted = wanted_of(params, self.project, request.user)
        limit = filters.whole_number(params, "limit", filters.DEFAULT_LIMIT, filters.MAX_LIMIT)
        page = reading.page(wanted, limit=limit, cursor=params.get("cursor", ""))
        return Response({"results": [reading.as_row(one) for one in page.results], "next": page.next})


class AuditExport(Endpoint):
    required_scope = "admin"

    @extend_schema(
        operation_id="audit_export",
        tags=["audit"],
        summary="The audit log as a file",
        description="All entries that the filters leave, the oldest first, streamed. If the connection ends before the"
        " last chunk, the file is not whole: ask again. In CSV, a text that a spreadsheet would run gets an apostrophe."
        " The export is an entry itself.",
        parameters=[
            *FILTERS,
            OpenApiParameter("format", str, enum=list(reading.FORMATS), description="`jsonl` unless said."),
            PROJECT,
        ],
        responses=files(reading.FORMATS.values(), 400),
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        return as_file(request.query_params, self.project, request.user)


def as_file(params: QueryDict, project: str, user: Any) -> StreamingHttpResponse:
    """Raises: InvalidInput, Forbidden, as `wanted_of`."""
    form = params.get("format", "jsonl")
    pieces = reading.file(wanted_of(params, project, user), form)
    response = StreamingHttpResponse(sent(pieces), content_type=reading.FORMATS[form])
    response["Content-Disposition"] = f'attachment; filename="{project}-audit.{form}"'
    response["Cache-Control"] = "no-store"
    return response


async def sent(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Each read in the thread of the request, whose connection to the database is closed with it."""
    read = sync_to_async(lambda: next(pieces, None))
    while (piece := await read()) is not None:
        yield piece


def wanted_of(params: QueryDict, project: str, user: Any) -> Wanted:
    """Whose entries a caller may see, and which are asked for.

    Raises:
        InvalidInput: a parameter has a bad value; names it.
        Forbidden: all of the organisation is asked for by somebody who does not administer it.
    """
    of = params.get("of", "project") or "project"
    if of not in OF:
        raise InvalidInput(f"of={of[:100]!r}: expected {' or '.join(OF)}.", field="of")
    organisation = ""
    if of == "organisation":
        organisation = administered(project, user)
        if not organisation:
            raise Forbidden(ONLY_ORGANISATION)
    texts = {name: params.get(name, "").strip() for name in ("action", "actor", "subject")}
    return reading.check(
        Wanted(
            project, organisation, since=filters.bound(params, "since"), until=filters.bound(params, "until"), **texts
        )
    )


def administered(project: str, user: Any) -> str:
    """The project's organisation, if the user owns or administers it; else ''."""
    slug = Project.objects.filter(slug=project).values_list("organisation__slug", flat=True).first() or ""
    return slug if slug and at_least(role_in_organisation(user, slug), Role.ADMIN) else ""
