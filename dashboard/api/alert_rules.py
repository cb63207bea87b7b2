"""Alert rules: listed, made, changed, deleted and brought back; and what one would have done, before it is saved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import alert_rule_shapes as shapes
from dashboard.api.actor import actor
from dashboard.api.endpoint import Endpoint
from dashboard.api.prices import made
from dashboard.api.saved_views import fields
from dashboard.api.schema import PROJECT, answers
from tracestore.alerts import builtin_rules, preview, rule_state, rule_words, rules
from tracestore.alerts.conditions import condition as conditions
from tracestore.alerts.models import AlertRule
from tracestore.alerts.preview import Preview
from tracestore.moments import utc_text_if

RULE_ID: Final = OpenApiParameter("rule_id", OpenApiTypes.INT, OpenApiParameter.PATH)
SINCE: Final = OpenApiParameter(
    "since", str, description="From when on, such as 24h or 7d (the usual); at most 30 days ago."
)


def as_listed(found: Sequence[AlertRule]) -> list[dict[str, Any]]:
    states, said = rule_state.of(found), rule_state.sentences(found)
    return [
        {
            "id": rule.pk,
            **rules.fields_of(rule),
            "builtin": rule.builtin,
            "is_changed": builtin_rules.is_changed(rule),
            "says": said[rule.pk],
            "firing": states[rule.pk].firing,
            "pending": states[rule.pk].pending,
            "incidents": states[rule.pk].incidents,
            "last_fired_at": utc_text_if(states[rule.pk].last_fired_at),
            "evaluated_at": utc_text_if(rule.evaluated_at),
            "failure": rule.failure,
            "created_at": utc_text_if(rule.created_at),
            "changed_at": utc_text_if(rule.changed_at),
        }
        for rule in found
    ]


def told(rule: AlertRule, status: int = 200) -> Response:
    return Response(as_listed([rule])[0], status=status)


class AlertRules(Endpoint):
    @extend_schema(
        operation_id="alert_rules_list",
        tags=["alert rules"],
        summary="List alert rules",
        description="All rules of the project by name, the shipped ones too, each with how it stands now.",
        parameters=[PROJECT],
        responses=answers(shapes.AlertRulePage),
    )
    def get(self, request: Request) -> Response:
        return Response({"results": as_listed(list(rules.listed(self.project))), "next": None})

    @extend_schema(
        operation_id="alert_rules_create",
        tags=["alert rules"],
        summary="Make an alert rule",
        description="It is evaluated within seconds. What would it have done so far? See the preview.",
        parameters=[PROJECT],
        request=shapes.AlertRuleFields,
        responses=made(shapes.AlertRule, 201, 400),
    )
    def post(self, request: Request) -> Response:
        return told(rules.create(self.project, fields(request.data), actor(request)), 201)


class AlertRuleItem(Endpoint):
    @extend_schema(
        operation_id="alert_rules_read",
        tags=["alert rules"],
        summary="Read an alert rule",
        description="One rule, and how it stands now.",
        parameters=[RULE_ID, PROJECT],
        responses=answers(shapes.AlertRule, 404),
    )
    def get(self, request: Request, rule_id: int) -> Response:
        return told(rules.find(self.project, rule_id))

    @extend_schema(
        operation_id="alert_rules_update",
        tags=["alert rules"],
        summary="Change an alert rule",
        description="Only the fields that are sent change; a condition is replaced whole.",
        parameters=[RULE_ID, PROJECT],
        request=shapes.AlertRuleFields,
        responses=answers(shapes.AlertRule, 400, 404),
    )
    def patch(self, request: Request, rule_id: int) -> Response:
        return told(rules.change(self.project, rule_id, fields(request.data), actor(request)))

    @extend_schema(
        operation_id="alert_rules_delete",
        tags=["alert rules"],
        summary="Delete an alert rule",
        description="Answers with the rule that was. For a day it can be brought back; a shipped one for ever, and no "
        "upgrade brings it back by itself.",
        parameters=[RULE_ID, PROJECT],
        responses=answers(shapes.AlertRule, 404),
    )
    def delete(self, request: Request, rule_id: int) -> Response:
        return told(rules.delete(self.project, rule_id, actor(request)))


class AlertRuleRestoring(Endpoint):
    @extend_schema(
        operation_id="alert_rules_restore",
        tags=["alert rules"],
        summary="Bring a deleted rule back",
        description="Within a day of its deletion; a shipped one at any time.",
        parameters=[RULE_ID, PROJECT],
        request=None,
        responses=answers(shapes.AlertRule, 400, 404),
    )
    def post(self, request: Request, rule_id: int) -> Response:
        return told(rules.restore(self.project, rule_id, actor(request)))


class AlertRuleReset(Endpoint):
    @extend_schema(
        operation_id="alert_rules_reset",
        tags=["alert rules"],
        summary="Set a shipped rule back",
        description="To the form in which it is shipped, whatever was changed of it.",
        parameters=[RULE_ID, PROJECT],
        request=None,
        responses=answers(shapes.AlertRule, 400, 404),
    )
    def post(self, request: Request, rule_id: int) -> Response:
        return told(rules.reset(self.project, rule_id, actor(request)))


class AlertRulePreviews(Endpoint):
    #: It changes nothing.
    required_scope_unsafe = "read"

    @extend_schema(
        operation_id="alert_rules_preview",
        tags=["alert rules"],
        summary="Try a rule on the past",
        description="Checks a rule that is not saved, and says when it would have fired. Its name may be left out.",
        parameters=[SINCE, PROJECT],
        request=shapes.AlertRuleFields,
        responses=answers(shapes.AlertRulePreview, 400, 503),
    )
    def post(self, request: Request) -> Response:
        sent = fields(request.data)
        found = preview.preview(self.project, sent, request.query_params.get("since", ""))
        return Response(previewed(found, rule_words.says(conditions.parse(sent["kind"], sent.get("condition", {})))))


def previewed(found: Preview, says: str) -> dict[str, Any]:
    return {
        "says": says,
        "sentence": found.sentence,
        "since": utc_text_if(found.since),
        "until": utc_text_if(found.until),
        "complete": found.complete,
        "count": len(found.fired),
        "firing_s": found.seconds,
        "results": [
            {
                "labels": one.labels,
                "began": utc_text_if(one.began),
                "ended": utc_text_if(one.ended),
                "value": one.value,
                "traces": one.traces,
            }
            for one in found.fired
        ],
    }
