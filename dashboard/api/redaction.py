"""Redaction rules: read by anybody, changed by an admin, and tried on a text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import setting_shapes
from dashboard.api.endpoint import Endpoint
from dashboard.api.prices import made
from dashboard.api.schema import PROJECT, answers
from tracestore import redaction
from tracestore.errors import InvalidInput
from tracestore.spans.redaction.rules import DEFAULT_RULES, OPTIONAL_RULES

NAME = OpenApiParameter("name", OpenApiTypes.STR, OpenApiParameter.PATH)


def fields(sent: object) -> Mapping[str, Any]:
    if not isinstance(sent, Mapping):
        raise InvalidInput("The body is not an object: expected the fields as JSON.")
    return sent


class RedactionRules(Endpoint):
    @extend_schema(
        operation_id="redaction_rules_list",
        tags=["redaction"],
        summary="List redaction rules",
        description="The built-in rules and whether they are on, and the project's own.",
        parameters=[PROJECT],
        responses=answers(setting_shapes.RedactionRulePage),
    )
    def get(self, request: Request) -> Response:
        return Response({"results": redaction.listed(self.project), "next": None})

    @extend_schema(
        operation_id="redaction_rules_create",
        tags=["redaction"],
        summary="Make a redaction rule",
        description="Counts for what is received from now on, within seconds. What is stored stays as it is.",
        parameters=[PROJECT],
        request=setting_shapes.RedactionRuleFields,
        responses=made(setting_shapes.RedactionRule, 201, 400),
    )
    def post(self, request: Request) -> Response:
        return Response(redaction.as_listed(redaction.save(self.project, fields(request.data))), status=201)


class RedactionRuleItem(Endpoint):
    @extend_schema(
        operation_id="redaction_rules_update",
        tags=["redaction"],
        summary="Change a redaction rule",
        description="Only the fields that are sent change. Of a built-in rule that is `enabled` alone.",
        parameters=[NAME, PROJECT],
        request=setting_shapes.RedactionRuleFields,
        responses=answers(setting_shapes.RedactionRule, 400, 404),
    )
    def patch(self, request: Request, name: str) -> Response:
        sent = fields(request.data)
        if name not in DEFAULT_RULES and name not in OPTIONAL_RULES:
            row = redaction.save(self.project, sent, redaction.find(self.project, name))
            return Response(redaction.as_listed(row))
        for field in sent:
            if field != "enabled":
                raise InvalidInput("A built-in rule can only be switched: expected enabled.", field=str(field)[:100])
        if not isinstance(sent.get("enabled"), bool):
            raise InvalidInput("enabled: expected true or false.", field="enabled")
        redaction.switch(self.project, name, sent["enabled"])
        return Response(next(rule for rule in redaction.listed(self.project) if rule["name"] == name))

    @extend_schema(
        operation_id="redaction_rules_delete",
        tags=["redaction"],
        summary="Delete a redaction rule",
        description="Answers with the rule that was. Built-in rules can be switched off, not deleted.",
        parameters=[NAME, PROJECT],
        responses=answers(setting_shapes.RedactionRule, 404),
    )
    def delete(self, request: Request, name: str) -> Response:
        row = redaction.find(self.project, name)
        answer = redaction.as_listed(row)
        row.delete()
        return Response(answer)


class RedactionPreview(Endpoint):
    #: Changes nothing.
    required_scope_unsafe = "read"

    @extend_schema(
        operation_id="redaction_rules_preview",
        tags=["redaction"],
        summary="Try the redaction rules",
        description="A text as the rules of now would leave it. Nothing of it is stored.",
        parameters=[PROJECT],
        request=setting_shapes.PreviewedText,
        responses=answers(setting_shapes.Preview, 400),
    )
    def post(self, request: Request) -> Response:
        text = fields(request.data).get("text")
        if not isinstance(text, str):
            raise InvalidInput("text: expected a text.", field="text")
        left, counts = redaction.preview(self.project, text)
        return Response({"text": left, "counts": counts})
