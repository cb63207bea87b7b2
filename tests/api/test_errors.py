"""Every failure has one form and tells nothing that it should not."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from rest_framework import exceptions

from dashboard.api import errors
from tests.api.conftest import FakeReader
from tests.api.rows import TRACE_ID
from tracestore.errors import (
    Forbidden,
    InvalidInput,
    NotFound,
    Overloaded,
    TooLarge,
    TracestoreError,
    Unauthenticated,
    Unavailable,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (InvalidInput("bad", field="x"), 400, {"code": "invalid_input", "message": "bad", "field": "x"}),
        (InvalidInput("bad"), 400, {"code": "invalid_input", "message": "bad"}),
        (Unauthenticated("who?"), 401, {"code": "unauthenticated", "message": "who?"}),
        (Forbidden("no"), 403, {"code": "forbidden", "message": "no"}),
        (NotFound("gone"), 404, {"code": "not_found", "message": "gone"}),
        (TooLarge("large"), 413, {"code": "too_large", "message": "large"}),
        (Overloaded("full"), 429, {"code": "overloaded", "message": "full"}),
        (Unavailable("down", retry_after_s=0.2), 503, {"code": "unavailable", "message": "down"}),
    ],
)
def test_each_error_has_its_status(
    error: TracestoreError, status: int, body: dict[str, str], client: Client, reader: FakeReader
) -> None:
    reader.fails = error
    response = client.get("/api/v1/traces/")
    assert response.status_code == status
    assert response.json() == {"error": body}
    assert ("Retry-After" in response) == (status in (429, 503))
    assert int(response.get("Retry-After", "1")) >= 1


def test_no_error_of_the_closed_set_is_forgotten() -> None:
    assert {kind.code for kind in TracestoreError.__subclasses__()} == set(errors.STATUSES)


@pytest.mark.parametrize("error", [RuntimeError("secret detail"), TracestoreError("secret detail")])
def test_an_unexpected_error_shows_nothing_of_itself(
    error: Exception, client: Client, reader: FakeReader, caplog: Any
) -> None:
    reader.fails = error
    response = client.get("/api/v1/traces/")
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "internal"
    assert b"secret" not in response.content
    assert b"Traceback" not in response.content
    assert "secret detail" in caplog.text, "the log must tell what the answer does not"


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options"])
@pytest.mark.parametrize("address", ["/api/nothing/", "/api/v1/nothing/here/", "/api/", "/api/v1/nothing"])
def test_unknown_addresses_are_answered_in_json(method: str, address: str, client: Client) -> None:
    response = getattr(client, method)(address)
    assert response.status_code == 404
    assert response["Content-Type"] == "application/json"
    assert response.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_missing_slash_is_mended_with_method_and_query_kept(method: str, client: Client) -> None:
    response = getattr(client, method)("/api/v1/traces?limit=3")
    assert (response.status_code, response["Location"]) == (308, "/api/v1/traces/?limit=3")


def test_the_frameworks_errors_have_the_same_form(client: Client, reader: FakeReader) -> None:
    response = client.delete(f"/api/v1/traces/{TRACE_ID}/")
    assert response.status_code == 403, "scope before method: nothing is told to who may not change"
    response = client.get("/api/v1/traces/", headers={"accept": "text/html"})
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        ("{", "application/json", 400, "invalid_input"),
        ("a=1", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        ("{}", "text/plain", 415, "unsupported_media_type"),
    ],
)
def test_a_body_that_cannot_be_read(body: str, kind: str, status: int, code: str, client: Client) -> None:
    response = client.post("/api/v1/test/question/", body, content_type=kind)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


def test_a_method_that_is_not_there(client: Client) -> None:
    response = client.put("/api/v1/test/question/", {}, content_type="application/json")
    assert (response.status_code, response.json()["error"]["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    ("detail", "field", "message"),
    [
        ({"name": ["Is required."]}, "name", "Is required."),
        ({"config": {"url": ["Is bad."]}}, "config.url", "Is bad."),
        ({"non_field_errors": ["Do not match."]}, "", "Do not match."),
        ([{}, {"name": ["Is bad."]}], "1.name", "Is bad."),
        ("Plain.", "", "Plain."),
        ({}, "", "The request cannot be understood."),
    ],
)
def test_the_field_of_a_validation_error_is_named(detail: Any, field: str, message: str) -> None:
    response = errors.handle(exceptions.ValidationError(detail), {})
    assert response.data["error"]["message"] == message
    assert response.data["error"].get("field", "") == field


def test_throttling_says_when_to_come_back() -> None:
    response = errors.handle(exceptions.Throttled(wait=7), {})
    assert (response.status_code, response["Retry-After"]) == (429, "7")
    assert response.data["error"]["code"] == "overloaded"
