"""Every form that a page shows with hostile values in each of its fields; every page for another project's people."""

from __future__ import annotations

from typing import Any

import pytest

from tests.security.conftest import by_login
from tests.security.openapi import HOSTILE
from tests.security.pages import Form, Forms, addresses, answer
from tests.security.things import MARK, World, rows_of

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]


def test_forms_with_hostile_fields(world: World) -> None:
    browser = by_login(world.project)
    forms: dict[tuple[str, ...], tuple[str, Form]] = {}
    for address in addresses(world).values():
        status, body = answer(browser, "get", address, {})
        parser = Forms()
        parser.feed(body.decode() if status == 200 else "")
        for form in parser.found:
            if form.action != "/logout/":
                forms.setdefault((form.action, form.method, *sorted(form.fields)), (address, form))
    assert len(forms) > 12
    wrong: dict[tuple[str, str, str], int] = {}
    asked = 0
    for address, form in forms.values():
        target = form.action.partition("?")[0] or address
        fields = {name: value for name, value in form.fields.items() if name != "csrfmiddlewaretoken"}
        for name in fields:
            asked += 1
            for what in list(HOSTILE)[asked % 3 :: 3]:
                status, body = answer(browser, form.method, target, fields | {name: HOSTILE[what]})
                if status >= 500 or b"<script>alert(1)" in body or b"Traceback" in body:
                    wrong[target, name, what] = status
    assert wrong == {}


def test_a_member_of_another_project_sees_and_changes_nothing_by_any_page(world: World, stranger: Any) -> None:
    """Forms are sent empty: what a button alone would do."""
    browser = by_login(stranger)
    before = rows_of(world.project)
    wrong = {}
    for name, address in addresses(world).items():
        for method in ("get", "post"):
            for asked in ({}, {"project": "a"}):
                where = f"{address}?project=a" if asked else address
                status, body = answer(browser, method, where, {})
                if status >= 500 or MARK.encode() in without_what_was_asked(body):
                    wrong[name, method, bool(asked)] = status, body[:200]
    assert wrong == {}
    assert rows_of(world.project) == before


def without_what_was_asked(body: bytes) -> bytes:
    """Names from the address, which an answer may say again: headings, links, and filters."""
    for said in (f"{MARK}-agent", f"{MARK}-tool", f"{MARK}-session", f"{MARK}-user", f"{MARK}-rule"):
        body = body.replace(said.encode(), b"")
    return body
