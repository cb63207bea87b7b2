"""Whatever stands in a parameter, a header or a body: an answer, and never a 500.

The requests are made from the OpenAPI document: each hostile value alone in each place of each operation. Several
at once, and bodies of any form, are test_schemathesis.py's. Both kinds of credentials.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from tests.security.conftest import beginning, by_key, by_login
from tests.security.openapi import HOSTILE, HOSTILE_VALUES, Operation, fields, operations, with_value
from tests.security.things import World

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(240)]


@pytest.fixture(autouse=True)
def unreported(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What is logged is full of half surrogate pairs, which no report of a test carries from one process to another."""
    with caplog.at_level(logging.CRITICAL + 1):
        yield


#: What no JSON body is, or one that a parser chokes on.
BODIES = {
    "nothing": b"",
    "noise": bytes(range(256)),
    "cut short": b'{"name": "x',
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a number of many digits": b'{"name": ' + b"9" * 50_000 + b"}",
    "not a number": b'{"name": NaN}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "UTF-8 with a mark": b'\xef\xbb\xbf{"name": "x"}',
    "UTF-7": b"+AHsAfQ-",
    "a name twice": b'{"name": "x", "name": {"y": 1}}',
    "null": b"null",
    "a text": b'"text"',
    "a list": b"[1, 2]",
}


def some(values: dict[str, Any], kind: str, number: int) -> dict[str, Any]:
    """By key every third value, others at the next place: all would take minutes, and schemathesis adds its own. By
    login one value at each place, since what a view does with a value does not depend on who sent it."""
    step = 3 if kind == "key" else len(values)
    return dict(list(values.items())[number % step :: step])


def ask(browser: Client, operation: Operation, address: str, body: bytes | None, **headers: str) -> tuple[int, bytes]:
    """The answer; a stream that does not end is looked at and left."""
    kind = headers.pop("content_type", "application/json")
    response = browser.generic(operation.method.upper(), address, body or b"", content_type=kind, headers=headers)
    if response.streaming:
        return response.status_code, async_to_sync(beginning)(response.streaming_content, 0.2)
    return response.status_code, response.content


def encode(value: Any) -> bytes:
    return json.dumps(value).encode()


def of_kind(kind: str, world: World) -> Client:
    return by_key(world.project) if kind == "key" else by_login(world.project)


def is_error(status: int, body: bytes) -> bool:
    """Whether an answer is one that must not be: a 500, one that hangs out its inside, or one in another form."""
    if status >= 500 or b"Traceback" in body or b"ClickHouse exception" in body:
        return True
    return status >= 400 and not body.startswith(b'{"error":{"code":"')


@pytest.mark.parametrize("kind", ["key", "login"])
def test_each_hostile_value_in_each_parameter(kind: str, world: World) -> None:
    browser = of_kind(kind, world)
    wrong: dict[tuple[str, str, str], tuple[int, bytes]] = {}
    asked = 0
    for operation in operations():
        places, body = world.places(operation), world.plausible(operation)
        sent = None if body is None else encode(body)
        for name in [one.name for one in (*operation.places, *operation.queries)]:
            asked += 1
            for what, value in some(HOSTILE, kind, asked).items():
                address = (
                    operation.address(places | {name: value})
                    if name in places
                    else operation.address(places, {name: value})
                )
                status, answer = ask(browser, operation, address, sent)
                if is_error(status, answer):
                    wrong[operation.id, name, what] = status, answer[:200]
    assert wrong == {}


@pytest.mark.parametrize("kind", ["key", "login"])
def test_each_hostile_value_in_each_field_of_a_body(kind: str, world: World) -> None:
    browser = of_kind(kind, world)
    wrong: dict[tuple[str, object, str], tuple[int, bytes]] = {}
    asked = 0
    for operation in operations():
        body = world.plausible(operation)
        if body is None:
            continue
        address = operation.address(world.places(operation))
        for place in fields(body):
            asked += 1
            for what, value in some(HOSTILE_VALUES, kind, asked).items():
                status, answer = ask(browser, operation, address, encode(with_value(body, place, value)))
                if is_error(status, answer):
                    wrong[operation.id, place, what] = status, answer[:200]
    assert wrong == {}


def test_bodies_that_are_none(world: World) -> None:
    browser = by_key(world.project)
    wrong: dict[tuple[str, str], tuple[int, bytes]] = {}
    for operation in operations():
        if operation.method == "get":
            continue
        address = operation.address(world.places(operation))
        for what, body in BODIES.items():
            status, answer = ask(browser, operation, address, body)
            if is_error(status, answer):
                wrong[operation.id, what] = status, answer[:200]
        for kind in ("text/html", "application/json; charset=utf-7", "application/json; charset=nothing", "a" * 5_000):
            status, answer = ask(browser, operation, address, b"{}", content_type=kind)
            if is_error(status, answer):
                wrong[operation.id, kind[:40]] = status, answer[:200]
    assert wrong == {}


def test_hostile_headers(world: World) -> None:
    wrong = {}
    for what, value in HOSTILE.items():
        sent = value.encode("utf-8", "surrogatepass").decode("latin-1")
        for header in (
            "authorization",
            "x-api-key",
            "x-tracestore-project",
            "cookie",
            "accept",
            "x-csrftoken",
            "origin",
        ):
            browser = Client(headers={header: sent}, raise_request_exception=False)
            for address in ("/api/v1/traces/", "/", "/login/"):
                if (status := browser.get(address).status_code) >= 500:
                    wrong[what, header, address] = status
    assert wrong == {}
