"""Redaction rules by the API, and what ingest makes of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.api.conftest import with_key
from tracestore import redaction
from tracestore.models import Project, RedactionRule
from tracestore.redaction import RedactorBook, rules_of
from tracestore.spans.redaction.rules import DEFAULT_RULES, OPTIONAL_RULES, OwnRule, RuleSet

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/redaction-rules/"
OWN = {"name": "ticket", "kind": "pattern", "pattern": r"TICKET-\d+", "replacement": "T"}
CARD = "4111 1111 1111 1111"


@pytest.fixture
def admin(default_project: Project) -> Client:
    return with_key(default_project, "admin", "read")


def send(client: Client, method: str, address: str, body: Any = None) -> Any:
    return getattr(client, method)(address, body, content_type="application/json")


def test_without_settings_all_default_rules_are_on(admin: Client) -> None:
    rules = admin.get(ADDRESS).json()["results"]
    assert [rule["name"] for rule in rules] == [*DEFAULT_RULES, *OPTIONAL_RULES]
    assert [rule["enabled"] for rule in rules] == [True] * len(DEFAULT_RULES) + [False] * len(OPTIONAL_RULES)
    assert rules_of("default") == RuleSet() == rules_of("no such project")


def test_an_own_rule_is_made_changed_and_deleted(admin: Client) -> None:
    made = send(admin, "post", ADDRESS, OWN)
    assert (made.status_code, made.json()["replacement"], made.json()["enabled"]) == (201, "T", True)
    assert rules_of("default").own == (OwnRule("ticket", "pattern", r"TICKET-\d+", "T"),)
    changed = send(admin, "patch", f"{ADDRESS}ticket/", {"enabled": False, "replacement": ""}).json()
    assert (changed["enabled"], changed["replacement"], changed["pattern"]) == (
        False,
        "[redacted:ticket]",
        r"TICKET-\d+",
    )
    assert rules_of("default") == RuleSet()
    assert send(admin, "delete", f"{ADDRESS}ticket/").status_code == 200
    assert not RedactionRule.objects.exists()
    assert send(admin, "delete", f"{ADDRESS}ticket/").status_code == 404


def test_built_in_rules_are_switched(admin: Client) -> None:
    for name, on in (("jwt", False), ("email", True), ("bearer", False), ("bearer", True)):
        assert send(admin, "patch", f"{ADDRESS}{name}/", {"enabled": on}).json()["enabled"] is on
    assert rules_of("default").enabled == frozenset(DEFAULT_RULES) - {"jwt"} | {"email"}
    assert send(admin, "delete", f"{ADDRESS}jwt/").status_code == 404


def test_who_may(default_project: Project, other_project: Project, admin: Client) -> None:
    reader = with_key(default_project, "read", "ingest", "sql")
    assert reader.get(ADDRESS).status_code == 200
    assert send(reader, "post", f"{ADDRESS}preview/", {"text": "x"}).status_code == 200
    assert with_key(default_project, "ingest").get(ADDRESS).status_code == 403
    assert send(reader, "post", ADDRESS, OWN).status_code == 403
    assert send(reader, "patch", f"{ADDRESS}jwt/", {"enabled": False}).status_code == 403
    send(admin, "post", ADDRESS, OWN)
    assert send(reader, "delete", f"{ADDRESS}ticket/").status_code == 403
    other = with_key(other_project, "admin", "read")
    assert send(other, "delete", f"{ADDRESS}ticket/").status_code == 404
    assert rules_of("other") == RuleSet()
    assert send(other, "post", ADDRESS, OWN).status_code == 201


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        (OWN | {"name": "jwt"}, "name"),
        (OWN | {"name": "preview"}, "name"),
        (OWN | {"name": "taken"}, "name"),
        (OWN | {"kind": "built-in"}, "kind"),
        (OWN | {"pattern": "("}, "pattern"),
        (OWN | {"pattern": 7}, "pattern"),
        (OWN | {"enabled": "yes"}, "enabled"),
        (OWN | {"regex": "x"}, "regex"),
        ({"kind": "key", "pattern": "badge"}, "name"),
        ([OWN], None),
    ],
)
def test_what_cannot_be_is_refused_by_name(admin: Client, sent: Any, field: str | None) -> None:
    send(admin, "post", ADDRESS, OWN | {"name": "taken"})
    answer = send(admin, "post", ADDRESS, sent)
    assert answer.status_code == 400
    assert answer.json()["error"].get("field") == field
    assert RedactionRule.objects.count() == 1


@pytest.mark.parametrize(
    ("sent", "field"), [({"pattern": "x"}, "pattern"), ({}, "enabled"), ({"enabled": 1}, "enabled")]
)
def test_a_built_in_rule_can_only_be_switched(admin: Client, sent: Any, field: str) -> None:
    answer = send(admin, "patch", f"{ADDRESS}jwt/", sent)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)


def test_the_number_of_rules_is_bounded(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "MOST_RULES", 1)
    assert send(admin, "post", ADDRESS, OWN).status_code == 201
    assert send(admin, "post", ADDRESS, OWN | {"name": "second"}).status_code == 400
    assert send(admin, "patch", f"{ADDRESS}ticket/", {"pattern": "other"}).status_code == 200


def test_preview(admin: Client) -> None:
    send(admin, "post", ADDRESS, OWN)
    answer = send(admin, "post", f"{ADDRESS}preview/", {"text": f"TICKET-5 by {CARD}"}).json()
    assert answer == {"text": "T by [redacted:card_number]", "counts": {"card_number": 1, "ticket": 1}}
    for sent in ({}, {"text": 5}, {"text": "x" * 100_001}):
        assert send(admin, "post", f"{ADDRESS}preview/", sent).json()["error"]["field"] == "text"


def test_ingest_hears_of_a_change_and_keeps_its_rules_while_the_database_is_away(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = RedactorBook()
    default = book.of("default")
    assert default.redact_text(CARD)[0] == "[redacted:card_number]"
    send(admin, "post", ADDRESS, OWN)
    send(admin, "patch", f"{ADDRESS}card_number/", {"enabled": False})
    book.refresh()
    changed = book.of("default")
    assert changed.redact_text(f"TICKET-5 {CARD}")[0] == f"T {CARD}"
    assert book.of("other") is default
    book.refresh()
    assert book.of("default") is changed

    def away(*_: object, **__: object) -> None:
        raise RuntimeError("away")

    with monkeypatch.context() as patch:
        patch.setattr(RedactionRule.objects, "filter", away)
        book.refresh()
    assert book.of("default") is changed
