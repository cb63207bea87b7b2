"""B16: every address that changes something has a word of the audit log, or a reason why it has none.

Made from the addresses themselves and from the OpenAPI document: nothing here names one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from dashboard.audit_routes import CHANGES, LEFT_OUT, READS
from tests.security.openapi import UNSAFE, operations
from tracestore.audit import ACTIONS
from tracestore.environment import ROOT

METHODS = ("post", "put", "patch", "delete")


def patterns(of: list[URLPattern | URLResolver], before: str = "/") -> Iterator[tuple[str, URLPattern]]:
    for one in of:
        if isinstance(one, URLPattern):
            yield before + str(one.pattern), one
        else:
            yield from patterns(one.url_patterns, before + str(one.pattern))


def changing() -> set[str]:
    """`METHOD name` of all that takes a method which is not safe; of plain functions, what does not answer 405."""
    found = set()
    browser = Client()
    for route, one in patterns(get_resolver().url_patterns):
        view = getattr(one.callback, "view_class", None) or getattr(one.callback, "cls", None)
        for method in METHODS:
            if view is not None:
                takes = hasattr(view, method)
            else:
                address = route
                for name, converter in one.pattern.converters.items():
                    kind = type(converter).__name__.removesuffix("Converter").lower().replace("string", "str")
                    address = address.replace(f"<{kind}:{name}>", "1")
                # Only logins are sent on or refused: what takes no such method says so before.
                takes = getattr(browser, method)(address).status_code != 405
            if takes:
                found.add(f"{method.upper()} {one.name}")
    return found


@pytest.mark.django_db
def test_every_address_that_changes_something_has_a_word_or_a_reason() -> None:
    found = changing()
    assert len(found) > 80
    assert found - CHANGES.keys() - LEFT_OUT.keys() == set(), "give them a line in dashboard/audit_routes.py"
    assert (CHANGES.keys() | LEFT_OUT.keys()) - found == set(), "there are no such addresses any more"


def test_every_operation_of_the_document_that_changes_something_is_among_them() -> None:
    names = {}
    for route, one in patterns(get_resolver().url_patterns):
        names[route.replace("<", "{").replace(">", "}")] = one.name
    plain = {"".join(part.rpartition(":")[2] if part.endswith("}") else part for part in split(route)): name
             for route, name in names.items()}  # fmt: skip
    missing = [
        operation.id for operation in operations()
        if operation.method in UNSAFE
        and f"{operation.method.upper()} {plain[bare(operation.path)]}" not in CHANGES.keys() | LEFT_OUT.keys()
    ]  # fmt: skip
    assert missing == []


def split(route: str) -> list[str]:
    """`/a/{int:x}/` → `/a/`, `int:x}`, `/`."""
    parts = []
    for piece in route.split("{"):
        inside, closed, rest = piece.partition("}")
        parts += [inside + closed, rest] if closed else [piece]
    return parts


def bare(path: str) -> str:
    return path.replace("{", "")


def test_every_word_is_one_of_the_list() -> None:
    used = {word for route in CHANGES.values() for word in route.every()} | set(READS.values())
    for file in (*ROOT.glob("tracestore/**/*.py"), *ROOT.glob("dashboard/**/*.py")):
        for call in ast.walk(ast.parse(file.read_text())):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "record"):
                continue
            if isinstance(call.func.value, ast.Name) and call.func.value.id == "audit" and call.args:
                word = call.args[0]
                if isinstance(word, ast.Constant):
                    used.add(str(word.value))
    assert used - ACTIONS.keys() == set()


def test_the_page_of_words_in_the_documents_is_the_list() -> None:
    text = (ROOT / "docs" / "audit.md").read_text()
    for word, meaning in ACTIONS.items():
        assert f"| `{word}` | {meaning} |" in text
    assert text.count("| `") >= len(ACTIONS)
    for name, why in LEFT_OUT.items():
        assert why in text, name
