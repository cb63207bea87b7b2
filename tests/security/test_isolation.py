"""B10, isolation of projects: every operation of the OpenAPI document, asked by somebody of another project.

Nothing here names an endpoint, so a new one is covered when it is in the document.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.clickhouse.spans import span
from tests.clickhouse.test_writer import write
from tests.security import things
from tests.security.conftest import by_key, by_login, send
from tests.security.openapi import UNSAFE, operations
from tests.security.things import MARK, World, rows_of
from tracestore.clickhouse import settling
from tracestore.models import Project

pytestmark = pytest.mark.django_db(transaction=True)

REFUSED = (401, 403, 404)
STRANGERS = {"key": by_key, "login": by_login}


def foreign_links(of: Project) -> list[str]:
    """Rows of a project that name a row of another one."""
    found = []
    for model in things.owned():
        for row in model._default_manager.filter(project=of):
            for one in (*model._meta.fields, *model._meta.many_to_many):
                if not one.is_relation or "project" not in {f.name for f in one.related_model._meta.fields}:
                    continue
                value = getattr(row, one.name)
                linked = list(value.all()) if one.many_to_many else [value] if value is not None else []
                found += [f"{model.__name__}.{one.name}" for other in linked if other.project_id != of.pk]
    found += [
        f"{model.__name__}.organisation"
        for model in things.owned() if "organisation" in {field.name for field in model._meta.fields}
        for row in model._default_manager.filter(project=of) if row.organisation_id != of.organisation_id
    ]  # fmt: skip
    return found


def without(body: bytes, sent: list[str]) -> bytes:
    """An answer without what the asker said."""
    for text in sorted(sent, key=len, reverse=True):
        body = body.replace(text.encode(), b"")
    return body


def test_the_owner_can_read_all_of_it(world: World) -> None:
    """Or the tests below would prove nothing: each address leads to a thing that is there.

    An operation that is named here lacks its thing: see the head of tests/security/things.py.
    """
    key, login = by_key(world.project), by_login(world.project)
    wrong: dict[str, tuple[int, bytes]] = {}
    marked = set()
    reads = [one for one in operations() if one.method == "get"]
    for operation in reads:
        places = world.places(operation)
        # What is about people is told to people only.
        owner = login if operation.collection == "organisations" or operation.id == "project_deletion_read" else key
        answers = [send(owner, operation, operation.address(places, asked)) for asked in world.asks(operation)]
        if not any(status == 200 for status, _ in answers):
            wrong[operation.id] = answers[0][0], answers[0][1][:300]
        marked |= {operation.id for status, body in answers if status == 200 and MARK.encode() in body}
    assert wrong == {}
    assert len(marked) > len(reads) * 0.7, sorted({one.id for one in reads} - marked)


@pytest.mark.parametrize("kind", STRANGERS)
def test_every_read_of_another_project_gives_nothing(kind: str, world: World, stranger: Project) -> None:
    browser = STRANGERS[kind](stranger)
    wrong: dict[str, tuple[int, bytes]] = {}
    for operation in operations():
        if operation.method != "get":
            continue
        places = world.places(operation)
        for asked in world.asks(operation):
            status, body = send(browser, operation, operation.address(places, asked))
            # Whatever stands in the path of project `a` does not exist; lists and settings are those of `b`.
            expected = REFUSED if set(places) - things.NO_THINGS else (200, 400, *REFUSED)
            said = without(body, [*places.values(), *asked.values()])
            if status not in expected or MARK.encode() in said:
                wrong[f"{operation.id} {sorted(asked)}"] = status, body[:300]
    assert wrong == {}


@pytest.mark.parametrize("kind", STRANGERS)
def test_every_change_of_another_project_changes_nothing(kind: str, world: World, stranger: Project) -> None:
    browser = STRANGERS[kind](stranger)
    before = rows_of(world.project)
    wrong: dict[str, tuple[int, bytes]] = {}
    for operation in operations():
        if operation.method not in UNSAFE:
            continue
        places = world.places(operation)
        body = world.plausible(operation)
        status, answer = send(browser, operation, operation.address(places), body)
        if (
            (set(places) - things.NO_THINGS and status not in REFUSED)
            or status >= 500
            or (MARK.encode() in without(answer, said_in(body, places)))
        ):
            wrong[operation.id] = status, answer[:300]
        after = rows_of(world.project)
        if after != before:
            changed = [name for name in after if after[name] != before[name]]
            wrong[f"{operation.id} changed {changed}"] = status, answer[:300]
            before = after
    assert wrong == {}
    assert foreign_links(stranger) == []


def said_in(body: Any, places: dict[str, str]) -> list[str]:
    if isinstance(body, dict):
        return [text for value in body.values() for text in said_in(value, {})] + list(places.values())
    if isinstance(body, list):
        return [text for value in body for text in said_in(value, {})]
    return [str(body), *places.values()]


@pytest.mark.parametrize("kind", STRANGERS)
def test_naming_another_project_is_refused_everywhere(kind: str, world: World, stranger: Project) -> None:
    browser = STRANGERS[kind](stranger)
    before = rows_of(world.project)
    wrong = {}
    for operation in operations():
        for queries, headers in (({"project": "a"}, {}), ({}, {"x-tracestore-project": "a"})):
            address = operation.address(world.places(operation), queries)
            status, body = send(browser, operation, address, world.plausible(operation), **headers)
            if status != 404 or MARK.encode() in body:
                wrong[f"{operation.id} {[*queries, *headers]}"] = status, body[:200]
    assert wrong == {}
    assert rows_of(world.project) == before


def test_without_credentials_nothing_is_told(world: World) -> None:
    """From another machine, on an open installation too."""
    nobody = Client(REMOTE_ADDR="192.0.2.7", raise_request_exception=False)
    before = rows_of(world.project)
    wrong = {}
    for operation in operations():
        status, body = send(nobody, operation, operation.address(world.places(operation)), world.plausible(operation))
        if status != 401 or MARK.encode() in body:
            wrong[operation.id] = status, body[:200]
    assert wrong == {}
    assert rows_of(world.project) == before


def test_a_key_without_scopes_gets_nothing_but_its_name(world: World) -> None:
    from tracestore import keys

    sender = Client(headers={"x-api-key": keys.create(world.project, "sender", ("ingest",))})
    wrong = {}
    for operation in operations():
        status, body = send(sender, operation, operation.address(world.places(operation)), world.plausible(operation))
        if status != 403 and operation.id != "projects_current":
            wrong[operation.id] = status, body[:200]
    assert wrong == {}


def test_a_viewer_changes_nothing(world: World) -> None:
    """Of questions that take a body (previews, trials) a viewer may ask all; rows stay as they are."""
    from tracestore.models import Membership, OrganisationMembership

    browser = by_login(world.project)
    Membership.objects.update(role=Membership.Role.VIEWER)
    OrganisationMembership.objects.update(role=Membership.Role.VIEWER)
    before = rows_of(world.project)
    for operation in operations():
        if operation.method in UNSAFE and operation.collection != "saved-views":
            send(browser, operation, operation.address(world.places(operation)), world.plausible(operation))
    assert rows_of(world.project) == before


@pytest.mark.parametrize("settled", [True, False])
def test_the_same_trace_id_in_two_projects_stays_apart(settled: bool, world: World, stranger: Project) -> None:
    """The same trace and span ids, other contents: each project reads its own by every operation that takes them."""
    for trace in (int(things.TRACE_ID, 16), int(things.OTHER_TRACE_ID, 16)):
        write(
            span(1, trace=trace, type="agent", agent="ours", name="ours", start=things.AGO, output="ours"),
            span(9, trace=trace, parent=1, name="ours too", start=things.AGO + 1),
            project=stranger.slug,
        )
    if settled:
        settling.settle()
    ours, theirs = by_key(stranger), by_key(world.project)
    wrong: dict[str, tuple[int, bytes]] = {}
    met = 0
    for operation in operations():
        named = {one.name for one in (*operation.places, *operation.queries)}
        if operation.method != "get" or not {"trace_id", "a"} & named:
            continue
        queries = {name: things.EVERYWHERE[name] for name in ("trace_id", "a", "b") if name in named}
        address = operation.address(world.places(operation), queries)
        for browser, own, foreign in ((ours, b"ours", MARK.encode()), (theirs, MARK.encode(), b"ours")):
            status, body = send(browser, operation, address)
            met += own in body
            if status != 200 or foreign in body:
                wrong[operation.id] = status, body[:300]
    assert wrong == {}
    assert met >= 10
