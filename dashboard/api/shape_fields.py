"""Fields that the shapes of the API's answers are made of, and the shape of an error.

Shapes are for the OpenAPI schema only: answers are built as plain dicts (`representations.py`), and these classes never
run on a request.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


def choice(values: tuple[str, ...], help_text: str = "") -> serializers.Field[Any, Any, Any, Any]:
    """A string out of a closed list.

    The list stays in the property (`oneOf`): moved out, as drf-spectacular would do, the two kinds
    of `status` would fight for one name.
    """

    @extend_schema_field({"oneOf": [{"type": "string", "enum": list(values)}]})
    class Choice(serializers.CharField):
        pass

    return Choice(help_text=help_text)


def text(help_text: str = "") -> serializers.CharField:
    return serializers.CharField(help_text=help_text, allow_blank=True)


def count(help_text: str = "") -> serializers.IntegerField:
    return serializers.IntegerField(help_text=help_text, min_value=0)


def moment() -> serializers.DateTimeField:
    return serializers.DateTimeField(help_text="RFC 3339 in UTC, with nanoseconds.")


def money(help_text: str) -> serializers.FloatField:
    return serializers.FloatField(allow_null=True, help_text=help_text)


@extend_schema_field({"type": "object", "additionalProperties": {}})
class AttributesField(serializers.JSONField):
    """Attributes with the types they were sent with; bytes as base64."""


@extend_schema_field({})
class AnyValue(serializers.JSONField):
    """Any JSON."""


class ErrorBody(serializers.Serializer[Any]):
    code = text("A fixed word, such as `invalid_input` or `not_found`.")
    message = text("What happened and what to do about it.")
    field = serializers.CharField(required=False, help_text="The parameter that is wrong.")
    offset = serializers.IntegerField(required=False, help_text="The character of `q` at which it went wrong, from 0.")


class Error(serializers.Serializer[Any]):
    error = ErrorBody()
