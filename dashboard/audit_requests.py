"""What a request says of itself for the audit log: who, which project, what it concerns, which fields were sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import structlog
from django.http import HttpRequest, HttpResponseBase
from django.urls import ResolverMatch
from rest_framework.exceptions import APIException
from rest_framework.response import Response

from dashboard.audit_routes import KEPT, OF_FORMS
from tracestore.audit import Actor
from tracestore.errors import TracestoreError
from tracestore.keys import Identity

#: Of a SQL statement, and of each parameter of an export.
MOST_STATEMENT: Final = 2000
MOST_VALUE: Final = 100
MOST_FIELDS: Final = 40
#: Parameters of paths that let somebody in: of invitations and login links.
SECRET_PLACES: Final = frozenset({"token"})


def actor_of(request: HttpRequest) -> Actor:
    """The user, else the key, else whoever is at this machine, as far as that is known by now."""
    address = str(request.META.get("REMOTE_ADDR", ""))
    request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return Actor(user.get_username(), "user", address, request_id)
    identity = getattr(request, "auth", None)
    if isinstance(identity, Identity):
        if identity.key_prefix:
            return Actor(f"key {identity.key_prefix}", "key", address, request_id)
        return Actor("this machine", "machine", address, request_id)
    return Actor("unknown", "unknown", address, request_id)


def project_of(request: HttpRequest) -> str:
    """The slug of the project that the caller proved, '' if there is none."""
    identity = getattr(request, "auth", None)
    if isinstance(identity, Identity):
        return identity.project
    return str(getattr(getattr(request, "project", None), "slug", ""))


def sent_of(request: HttpRequest) -> Mapping[str, Any]:
    """The fields of the body: of JSON sent to the API, or of a form."""
    asked = getattr(request, "asked", None)  # set by `dashboard.api.endpoint`
    if asked is None:
        return {name: values[0] if len(values) == 1 else values for name, values in request.POST.lists()}
    try:
        sent = asked.data
    except (APIException, TracestoreError):
        return {}  # of a request that needs no body, and whose body is none
    return sent if isinstance(sent, Mapping) else {}


def subject_of(match: ResolverMatch, response: HttpResponseBase | None) -> str:
    """The parameters of the path; of what was just made, its number as the answer tells it."""
    named = "/".join(str(value) for name, value in match.kwargs.items() if name not in SECRET_PLACES)
    if not named and isinstance(response, Response) and isinstance(response.data, Mapping):
        named = str(response.data.get("id", ""))
    return named


def detail_of(word: str, match: ResolverMatch, sent: Mapping[str, Any], response: HttpResponseBase) -> dict[str, Any]:
    """Which fields were sent, with the values of harmless ones; of questions, the question."""
    if word == "sql.asked":
        statement = sent.get("query", sent.get("q", ""))
        form = sent.get("format", "")
        return {
            "statement": str(statement)[:MOST_STATEMENT],
            **({"format": str(form)[:MOST_VALUE]} if form else {}),
            "status": response.status_code,
        }
    if word.endswith((".downloaded", ".exported")):
        return {str(name)[:64]: str(value)[:MOST_STATEMENT] for name, value in list(sent.items())[:MOST_FIELDS]}
    fields = sorted(str(name)[:64] for name in sent if name not in OF_FORMS)
    kept = {name: sent[name] for name in fields if name in KEPT and is_short(sent.get(name))}
    return {"fields": fields[:MOST_FIELDS], **kept}


def is_short(value: object) -> bool:
    if isinstance(value, list):
        return len(value) <= 20 and all(is_short(one) and not isinstance(one, list) for one in value)
    return (
        isinstance(value, bool | int | float) or value is None or (isinstance(value, str) and len(value) <= MOST_VALUE)
    )
