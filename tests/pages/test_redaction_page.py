"""The page of redaction rules: what it shows, who may change it, and the preview."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tracestore import redaction
from tracestore.models import Membership
from tracestore.redaction import rules_of
from tracestore.spans.redaction.rules import OwnRule, RuleSet

pytestmark = [pytest.mark.urls("dashboard.pages.urls"), pytest.mark.django_db]
ADDRESS = "/settings/redaction/"
OWN = {"do": "add", "name": "ticket", "kind": "pattern", "pattern": r"TICKET-\d+", "replacement": ""}


def role(user: User, name: str) -> None:
    Membership.objects.filter(user=user).update(role=name)


def test_the_settings_lead_to_each_page(browser_client: Client) -> None:
    page = browser_client.get("/settings/").content.decode()
    for address in (ADDRESS, "/settings/retention/"):
        assert f'href="{address}"' in page
        assert browser_client.get("/settings/").status_code == 200


@pytest.mark.parametrize(("name", "status"), [("owner", 302), ("admin", 302), ("member", 403), ("viewer", 403)])
def test_who_may_change_it(browser_client: Client, member: User, name: str, status: int) -> None:
    role(member, name)
    page = browser_client.get(ADDRESS).content.decode()
    assert ("Switch" in page) == ('name="pattern"' in page) == (status == 302)
    assert browser_client.post(ADDRESS, OWN).status_code == status
    assert browser_client.post(ADDRESS, {"do": "off", "rule": "jwt"}).status_code == status
    rules = rules_of("default")
    if status == 403:
        assert rules == RuleSet()
        return
    assert rules.own == (OwnRule("ticket", "pattern", r"TICKET-\d+"),)
    assert "jwt" not in rules.enabled
    browser_client.post(ADDRESS, {"do": "off", "rule": "ticket"})
    assert rules_of("default").own == ()
    browser_client.post(ADDRESS, {"do": "on", "rule": "ticket"})
    assert len(rules_of("default").own) == 1
    browser_client.post(ADDRESS, {"do": "delete", "rule": "ticket"})
    assert [rule["name"] for rule in redaction.listed("default") if rule["kind"] == "pattern"] == []


def test_what_cannot_be_is_told_and_keeps_what_was_typed(browser_client: Client, member: User) -> None:
    role(member, "admin")
    response = browser_client.post(ADDRESS, OWN | {"pattern": "(<script>"})
    page = response.content.decode()
    assert response.status_code == 400
    assert "RE2" in page
    assert 'value="(&lt;script&gt;"' in page
    assert 'aria-invalid="true"' in page
    assert browser_client.post(ADDRESS, {"do": "explode"}).status_code == 400
    assert rules_of("default") == RuleSet()


def test_anybody_may_look_at_the_preview(browser_client: Client, member: User) -> None:
    role(member, "viewer")
    response = browser_client.post(ADDRESS, {"do": "preview", "text": "<b> 4111 1111 1111 1111"})
    assert '<pre id="left">&lt;b&gt; [redacted:card_number]</pre>' in response.content.decode()
    assert "card_number: 1" in response.content.decode()
    plain = browser_client.post(ADDRESS, {"do": "preview", "text": "plain"}).content.decode()
    assert "Nothing is taken out" in plain


def test_a_form_without_its_token_changes_nothing(member: User) -> None:
    role(member, "owner")
    client = Client(enforce_csrf_checks=True)
    client.force_login(member)
    assert client.post(ADDRESS, OWN).status_code == 403
    assert rules_of("default") == RuleSet()
