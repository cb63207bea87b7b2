"""The page of what is kept: what it shows, and who may change it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tracestore import retention
from tracestore.clickhouse import expiry
from tracestore.clickhouse.expiry import Stored
from tracestore.models import Membership, Project
from tracestore.retention import Retention

pytestmark = [pytest.mark.urls("dashboard.pages.urls"), pytest.mark.django_db]
ADDRESS = "/settings/retention/"
DAY_NS = 86_400 * 10**9


@pytest.fixture(autouse=True)
def stored(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(project: str, table: str) -> Stored:
        if table == "stored_tool_calls":
            return Stored(table, 0, None, None, 0, shared=False)
        return Stored(table, 12_345, 1_000 * DAY_NS, 1_010 * DAY_NS, 5_000_000, shared=table == "stored_spans")

    monkeypatch.setattr(expiry, "stored", found)


def role(user: User, name: str) -> None:
    Membership.objects.filter(user=user).update(role=name)


def test_it_shows_what_is_there_and_marks_an_estimate(browser_client: Client) -> None:
    retention.change("default", Retention(span_days=30))
    page = browser_client.get(ADDRESS).content.decode()
    rows = [row.split("</tr>")[0] for row in page.split("<tr>")[2:]]
    assert ["12,345" in row for row in rows] == [True, True, True, True, False]
    assert ["about" in row for row in rows] == [False, False, True, False, False]
    assert ["30 days" in row for row in rows] == [True, True, True, True, False]
    assert "nothing stored" in rows[4]
    assert "1972-09-27" in rows[0]


@pytest.mark.parametrize(("name", "status"), [("owner", 302), ("admin", 302), ("member", 403), ("viewer", 403)])
def test_who_may_change_it(browser_client: Client, member: User, name: str, status: int) -> None:
    role(member, name)
    page = browser_client.get(ADDRESS).content.decode()
    assert ("disabled" in page) == (status == 403)
    sent = {"payload_days": "7", "span_days": "30", "tool_call_days": ""}
    assert browser_client.post(ADDRESS, sent).status_code == status
    assert retention.of("default") == (Retention(7, 30, None) if status == 302 else Retention())


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"payload_days": "soon"}, "soon"),
        ({"span_days": "-1"}, "-1"),
        ({"tool_call_days": "0"}, "tool_call_days=0"),
        ({"payload_days": "40", "span_days": "30"}, "longer than"),
        ({"span_days": "9" * 40}, "is no number of days"),
        ({"span_days": "<script>"}, "&lt;script&gt;"),
    ],
)
def test_what_cannot_be_is_told_beside_the_form_and_keeps_what_was_typed(
    browser_client: Client, member: User, sent: dict[str, str], said: str
) -> None:
    role(member, "admin")
    response = browser_client.post(ADDRESS, sent)
    page = response.content.decode()
    assert response.status_code == 400
    assert said in page
    assert 'aria-invalid="true"' in page
    assert "<script>" not in page.split("<main")[1]
    assert retention.of("default") == Retention()


def test_a_form_without_its_token_changes_nothing(member: User) -> None:
    role(member, "owner")
    client = Client(enforce_csrf_checks=True)
    client.force_login(member)
    assert client.post(ADDRESS, {"span_days": "1"}).status_code == 403
    assert retention.of("default") == Retention()


def test_another_project_is_out_of_reach(browser_client: Client, member: User) -> None:
    Project.objects.create(slug="other", name="Other")
    role(member, "owner")
    assert browser_client.post(f"{ADDRESS}?project=other", {"span_days": "1"}).status_code == 404
    assert retention.of("other") == Retention()
