"""The address of every page, and the forms that a page shows, read out of its HTML.

So a new page is in the tests when it is in the list of pages, and its form when it is in its HTML.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode

from django.test import Client

from dashboard.pages.urls import urlpatterns
from tests.security.openapi import encoded
from tests.security.things import EVERYWHERE, FINDING_ID, SPAN_ID, TRACE_ID, World, model_of

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
