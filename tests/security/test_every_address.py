"""Every page with hostile addresses: in its path, in its query, and sent to it.

A file of its own beside `test_every_form`, which takes as long: the two are shared out between processes.
"""

from __future__ import annotations

import pytest

from dashboard.pages.urls import urlpatterns
from tests.security.conftest import by_login
from tests.security.openapi import HOSTILE, operations
from tests.security.pages import addresses, answer
from tests.security.things import World

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]


def test_pages_with_hostile_addresses(world: World) -> None:
    browser = by_login(world.project)
    queries = sorted({one.name for operation in operations() for one in operation.queries} - {"project"})
    wrong: dict[tuple[str, str], int] = {}
    for number, (what, value) in enumerate(HOSTILE.items()):
        for place, (name, address) in enumerate(addresses(world).items()):
            if (place + number) % 3:
                continue  # each page gets a third of the values, its neighbour another
            converters = next(one.pattern.converters for one in urlpatterns if one.name == name)
            hostile = addresses(world, **dict.fromkeys(converters, value or "x"))[name]
            asked = dict.fromkeys(queries[number % 3 :: 3], value)
            for method, where in (("get", hostile), ("get", address), ("post", hostile)):
                status, body = answer(browser, method, where, asked if where == address else {})
                if status >= 500 or b"<script>alert(1)" in body or b"Traceback" in body:
                    wrong[name, what] = status
    assert wrong == {}
