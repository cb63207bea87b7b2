"""API keys of a project: list, make, rotate, revoke. A key is in an answer once, when it is made."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api.actor import actor
from dashboard.api.endpoint import Endpoint
from dashboard.api.schema import PROJECT, answers
from tracestore import keys
from tracestore.errors import InvalidInput, NotFound
from tracestore.models import ApiKey, Project
from tracestore.moments import utc_text_if

KEY_ID = OpenApiParameter("key_id", OpenApiTypes.INT, OpenApiParameter.PATH)
#: Ten years; whoever wants more leaves it out.
MOST_HOURS = 10 * 366 * 24
MOST_NAME = 200


class KeyShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="The beginning of the key, to tell keys apart.")
    scopes = serializers.ListField(child=serializers.ChoiceField(keys.SCOPES))
    state = serializers.ChoiceField(("active", "expired", "revoked"))
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField(
        help_text="A user, `key PREFIX`, a command, or nothing of a key of the environment."
    )
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="To the minute.")


class MadeKey(KeyShape):
    key = serializers.CharField(help_text="The key. It is not shown again.")


class KeyPage(serializers.Serializer[Any]):
    results = KeyShape(many=True)
    next = serializers.CharField(allow_null=True)


class KeyFields(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=MOST_NAME)
    scopes = serializers.ListField(child=serializers.ChoiceField(keys.SCOPES))
    expires_in_hours = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=MOST_HOURS)


class RotateFields(serializers.Serializer[Any]):
    overlap_hours = serializers.IntegerField(required=False, default=24, min_value=0, max_value=MOST_HOURS)


class KeyList(Endpoint):
    required_scope = "admin"

    @extend_schema(
        operation_id="keys_list",
        tags=["keys"],
        summary="List keys",
        description="The project's keys, the newest first, ended ones too.",
        parameters=[PROJECT],
        responses=answers(KeyPage),
    )
    def get(self, request: Request) -> Response:
        rows = ApiKey.objects.filter(project__slug=self.project).order_by("-created_at", "-pk")
        return Response({"results": [described(row) for row in rows], "next": None})

    @extend_schema(
        operation_id="keys_create",
        tags=["keys"],
        summary="Make a key",
        description="The answer holds the key, for the only time.",
        parameters=[PROJECT],
        request=KeyFields,
        responses={201: MadeKey, **{code: shape for code, shape in answers(MadeKey, 400).items() if code != 200}},
    )
    def post(self, request: Request) -> Response:
        sent = body(request, {"name", "scopes", "expires_in_hours"})
        name = sent.get("name")
        if not isinstance(name, str) or not name.strip() or len(name) > MOST_NAME:
            raise InvalidInput(f"name: expected a text of 1 to {MOST_NAME} characters.", field="name")
        scopes = sent.get("scopes")
        if not isinstance(scopes, list) or not scopes or not all(scope in keys.SCOPES for scope in scopes):
            raise InvalidInput(f"scopes: expected a list of {', '.join(keys.SCOPES)}.", field="scopes")
        expires = hours(sent, "expires_in_hours", 1, None)
        project = Project.objects.get(slug=self.project)
        until = None if expires is None else timezone.now() + expires
        wanted = tuple(dict.fromkeys(scopes))
        key = keys.create(project, name.strip(), wanted, expires_at=until, created_by=actor(request))
        return Response(made(key), status=201)


class KeyRotation(Endpoint):
    @extend_schema(
        operation_id="keys_rotate",
        tags=["keys"],
        summary="Rotate a key",
        description="Makes a key of the same name and scopes. The old one works on for `overlap_hours` (24 unless "
        "said otherwise), so that senders can change over one by one.",
        parameters=[KEY_ID, PROJECT],
        request=RotateFields,
        responses={201: MadeKey, **{code: shape for code, shape in answers(MadeKey, 400, 404).items() if code != 200}},
    )
    def post(self, request: Request, key_id: int) -> Response:
        overlap = hours(body(request, {"overlap_hours"}), "overlap_hours", 0, 24)
        new = keys.rotate(find(self.project, key_id), overlap or timedelta(), actor(request))
        return Response(made(new), status=201)


class KeyItem(Endpoint):
    @extend_schema(
        operation_id="keys_revoke",
        tags=["keys"],
        summary="Revoke a key",
        description=f"It stops working within {keys.REVOKED_WITHIN_SECONDS:.0f} seconds and stays in the list.",
        parameters=[KEY_ID, PROJECT],
        responses=answers(KeyShape, 404),
    )
    def delete(self, request: Request, key_id: int) -> Response:
        row = find(self.project, key_id)
        keys.revoke(row)
        row.refresh_from_db()
        return Response(described(row))


def find(project: str, key_id: int) -> ApiKey:
    """The project's key of this number.

    Raises:
        NotFound: it has none.
    """
    row = ApiKey.objects.select_related("project").filter(project__slug=project, pk=key_id).first()
    if row is None:
        raise NotFound("There is no such key.")
    return row


def described(row: ApiKey) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "prefix": row.prefix,
        "scopes": row.scopes,
        "state": row.state,
        "created_at": utc_text_if(row.created_at),
        "created_by": row.created_by,
        "expires_at": utc_text_if(row.expires_at),
        "last_used_at": utc_text_if(row.last_used_at),
    }


def made(key: str) -> dict[str, Any]:
    return described(ApiKey.objects.get(digest=keys.digest(key))) | {"key": key}


def body(request: Request, known: set[str]) -> dict[str, Any]:
    """The fields of a request's body.

    Raises:
        InvalidInput: it is no object, or has an unknown field.
    """
    sent: Any = request.data or {}
    if not isinstance(sent, dict):
        raise InvalidInput("The body is not an object: expected fields as JSON.")
    for name in sent:
        if name not in known:
            raise InvalidInput(
                f"{str(name)[:100]} is not known: expected {', '.join(sorted(known))}.", field=str(name)[:100]
            )
    return dict(sent)


def hours(sent: dict[str, Any], name: str, least: int, default: int | None) -> timedelta | None:
    """A field that is a whole number of hours.

    Raises:
        InvalidInput: it is not, or out of bounds.
    """
    value = sent.get(name, default)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST_HOURS:
        raise InvalidInput(f"{name}: expected a whole number of hours, {least} to {MOST_HOURS}.", field=name)
    return timedelta(hours=value)
