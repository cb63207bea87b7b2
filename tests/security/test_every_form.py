"""Every page with hostile addresses, and every form that a page shows with hostile values in each of its fields.

The forms are read out of the pages themselves, so a new page is covered when it is in the list of pages and its form
is in its HTML.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from dashboard.pages.urls import urlpatterns
from tests.security.conftest import by_login
from tests.security.openapi import HOSTILE, encoded, operations
from tests.security.things import EVERYWHERE, FINDING_ID, MARK, SPAN_ID, TRACE_ID, World, model_of, rows_of

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(240)]

#: Parameters of pages' paths that are named otherwise than their things.
PLACES = {
    "trace_id": TRACE_ID,
    "span_id": SPAN_ID,
    "finding_id": FINDING_ID,
    "detector_id": "loop",
    "part": "input",
    "slug": "a",
}
#: Ends the session that the others need, or answers for ever.
LEFT_OUT = {"logout", "login-link"}
#: Names of rows that are not those of their pages.
ROWS = {
    "view": "SavedView",
    "price": "PriceOverride",
    "backtest": "Backtest",
    "rule": "AlertRule",
    "key": "ApiKey",
    "project-deletion": "ProjectDeletion",
}


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class Forms(HTMLParser):
    """The forms of a page and what they would send as they are."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "form":
            action = has.get("action") or has.get("hx-post") or ""
            self.found.append(Form(action, "post" if "hx-post" in has else has.get("method", "get").lower()))
        elif tag in ("input", "select", "textarea", "button") and has.get("name") and self.found:
            self.found[-1].fields.setdefault(has["name"], has.get("value", ""))


def addresses(world: World, **places: str) -> dict[str, str]:
    """The address of each page by its name, its parameters filled with things of the project."""
    found = {}
    for pattern in urlpatterns:
        name = str(pattern.name)
        route = str(pattern.pattern)
        if name in LEFT_OUT:
            continue
        row = world.rows.get(
            ROWS.get(name) or ROWS.get(name.partition("-")[0]) or model_of(f"{name.partition('-')[0]}s")
        )
        for part in pattern.pattern.converters:
            value = places.get(part) or PLACES.get(part) or (str(row.pk) if row else EVERYWHERE.get(part, "1"))
            for kind in ("int", "str", "path"):
                route = route.replace(f"<{kind}:{part}>", encoded(value))
        found[name] = f"/{route}"
    return found


def answer(browser: Client, method: str, address: str, fields: dict[str, str]) -> tuple[int, bytes]:
    sent = {name: value.encode("utf-8", "surrogatepass") for name, value in fields.items()}
    if method == "post":
        # Encoded here: Django's test client would take bytes for lists of numbers.
        response = browser.post(address, urlencode(sent), content_type="application/x-www-form-urlencoded")
    else:
        response = browser.get(address, sent)
    body = b"" if response.streaming else response.content
    if response.headers.get("Content-Type") == "application/json":
        body = body.replace(b"<script>", b"")  # no page: it may say again what was asked, and nothing runs it
    return response.status_code, body


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
