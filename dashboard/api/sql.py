"""`POST sql/`: one SELECT over the caller's project."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers as fields
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api.actor import actor
from dashboard.api.endpoint import Endpoint
from dashboard.api.schema import PROJECT, answers
from tracestore.clickhouse import sql_console
from tracestore.errors import InvalidInput

COLUMN = inline_serializer("SqlColumn", {"name": fields.CharField(), "type": fields.CharField()}, many=True)
STATISTICS = inline_serializer(
    "SqlStatistics",
    {"elapsed": fields.FloatField(), "rows_read": fields.IntegerField(), "bytes_read": fields.IntegerField()},
)
SHAPE = inline_serializer(
    "SqlAnswer",
    {
        "meta": COLUMN,
        "data": fields.ListField(child=fields.DictField()),
        "rows": fields.IntegerField(help_text="How many are in `data`."),
        "truncated": fields.BooleanField(help_text=f"There are more than the {sql_console.MOST_ROWS} that are sent."),
        "statistics": STATISTICS,
    },
)
STATEMENT = inline_serializer(
    "SqlStatement",
    {
        "query": fields.CharField(help_text="One SELECT, without FORMAT and SETTINGS."),
        "format": fields.ChoiceField(choices=list(sql_console.FORMATS), default="JSON"),
    },
)


class SqlView(Endpoint):
    required_scope = "sql"
    required_scope_unsafe = "sql"

    @extend_schema(
        operation_id="sql",
        tags=["sql"],
        summary="Run one SELECT over the project",
        description="Over the views of the data dictionary, which hold the caller's project only. Limits: ten seconds,"
        " 10,000 rows, 32 MiB, two statements of a project at once.",
        parameters=[PROJECT],
        request=STATEMENT,
        responses=answers(SHAPE, 400, 429, 503),
    )
    def post(self, request: Request) -> Response | HttpResponse:
        sent = request.data
        if not isinstance(sent, Mapping):
            raise InvalidInput("The body is not an object: expected the fields as JSON.")
        query = sent.get("query")
        if not isinstance(query, str):
            raise InvalidInput("query is missing: expected one SELECT as text.", field="query")
        form = sql_console.check_format(sent.get("format", "JSON"))
        who = actor(request)
        if form == "JSON":
            return Response(sql_console.ask(self.project, query, who).as_json())
        return as_file(self.project, query, who, form)


def as_file(project: str, query: str, who: str, form: str) -> HttpResponse:
    """The whole answer in a format."""
    media = sql_console.FORMATS[form][1]
    if form != "CSV":
        return HttpResponse(sql_console.file(project, query, who, form), content_type=media)
    answer = sql_console.ask(project, query, who)
    if answer.truncated:
        raise InvalidInput(
            f"There are more than {sql_console.MOST_ROWS:,} rows, and a file cannot say so: expected a LIMIT.",
            field="query",
        )
    return HttpResponse(answer.as_csv(), content_type=media)
