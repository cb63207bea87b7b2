"""Every operation of the OpenAPI document, called by schemathesis in this process: no 500, nothing undocumented.

For each operation it makes requests that fit the document and requests that do not, by a key and by a login. Every
second request names things that are there, so that what lies behind "not found" is reached too. Four of its checks:
no server error; only documented status codes; only documented content types; bodies as described.

Few requests of each kind, always the same. For a longer look: TRACESTORE_SCHEMATHESIS=100 (examples of each).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.db import transaction
from django.utils.crypto import get_random_string
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from dashboard.api import docs
from tests.security.conftest import by_login
from tests.security.openapi import operations
from tests.security.things import World
from tracestore import keys
from tracestore.models import Project

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.timeout(3600),
    # Exports are made for an event loop; here they are read to their end without one.
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous"),
]

EXAMPLES = int(os.environ.get("TRACESTORE_SCHEMATHESIS", "0"))
#: Requests of each operation that fit the document, and that do not.
BY_CREDENTIALS = {"key": (EXAMPLES or 3, EXAMPLES or 3), "login": (EXAMPLES or 1, EXAMPLES or 1)}
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
#: Does not end; tests/security/test_every_input.py asks it.
ENDLESS = {"verdict_stream"}


@pytest.fixture(autouse=True)
def unreported(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.CRITICAL + 1):
        yield


def of_key(project: Project) -> dict[str, Any]:
    return {"headers": {"authorization": f"Bearer {keys.create(project, 'all', keys.SCOPES)}"}}


def of_login(project: Project) -> dict[str, Any]:
    """A session and a token, as a browser would send them."""
    secret = get_random_string(32)
    session = by_login(project).cookies["sessionid"].value
    return {"headers": {"x-csrftoken": secret}, "cookies": {"sessionid": session, "csrftoken": secret}}


CREDENTIALS: dict[str, Callable[[Project], dict[str, Any]]] = {"key": of_key, "login": of_login}


@dataclass
class Caller:
    """Sends cases with credentials, and keeps the first complaint about each operation."""

    credentials: dict[str, Any]
    wrong: dict[str, str] = field(default_factory=dict)
    asked: int = 0

    def examine(self, name: str, operation: Any, mode: GenerationMode, count: int, places: dict[str, str]) -> None:
        @settings(
            max_examples=count, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(operation.as_strategy(generation_mode=mode))
        def ask(case: schemathesis.Case) -> None:
            self.asked += 1
            if self.asked % 2 and places:
                case.path_parameters = dict(places)
            # Answers as they are: the checks do not unpack.
            case.headers = {**(case.headers or {}), "accept-encoding": "identity"}
            response = case.call(**self.credentials)
            try:
                case.validate_response(response, checks=CHECKS)
            except FailureGroup as failure:
                self.wrong.setdefault(name, f"{failure}\n{response.content[:300]!r}")

        # What one operation deletes, the next shall find.
        with transaction.atomic():
            ask()
            transaction.set_rollback(True)


@pytest.mark.parametrize("kind", CREDENTIALS)
def test_no_operation_breaks_or_answers_otherwise_than_documented(kind: str, world: World) -> None:
    document = schemathesis.openapi.from_dict(docs.schema())
    document.app = WSGIHandler()
    caller = Caller(CREDENTIALS[kind](world.project))
    known = {(one.path, one.method): one for one in operations()}
    for found in document.get_all_operations():
        operation = found.ok()
        ours = known[operation.path, operation.method]
        if ours.id in ENDLESS:
            continue
        for mode, count in zip(MODES, BY_CREDENTIALS[kind], strict=True):
            if mode == GenerationMode.POSITIVE or ours.places or ours.queries or ours.body:
                caller.examine(ours.id, operation, mode, count, world.places(ours))
    assert caller.asked > len(known)
    said = "\n\n".join(f"{name}: {text}" for name, text in caller.wrong.items())
    assert not caller.wrong, f"{len(caller.wrong)} operations\n{said}"
