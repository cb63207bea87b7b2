"""`/sql/`: who may, what it shows, hostile cells, files, and errors at their place."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client

from dashboard.sql_reference import reference
from tests.clickhouse.spans import span
from tests.clickhouse.test_writer import write
from tracestore.engine.settings import EXPOSED_VIEWS
from tracestore.models import Membership, Project

pytestmark = [pytest.mark.django_db, pytest.mark.urls("dashboard.pages.urls")]


@pytest.fixture
def browser(db: None, settings: LazySettings) -> Client:
    user = User.objects.create_user("ada")
    project, _ = Project.objects.get_or_create(slug="default", defaults={"name": "Default"})
    Membership.objects.create(user=user, project=project, role=Membership.Role.MEMBER)
    client = Client()
    client.force_login(user)
    return client


def text(browser: Client, status: int = 200, **parameters: str) -> str:
    answer = browser.get(f"/sql/?{urlencode(parameters)}")
    assert answer.status_code == status
    return answer.content.decode()


def test_it_begins_with_views_and_questions(browser: Client) -> None:
    page = text(browser)
    assert {view.name for view in reference().views} == set(EXPOSED_VIEWS)
    assert len(reference().questions) == 10
    assert page.count("<li><a href=") == 10
    assert "project = &#x27;default&#x27;" not in page
    assert "Ask your traces anything" in page


@pytest.mark.parametrize("title", [title for title, _ in reference().questions])
def test_a_question_runs_as_it_is_linked(browser: Client, title: str) -> None:
    text(browser, q=dict(reference().questions)[title])


def test_cells_are_text_and_null_is_told(browser: Client) -> None:
    write(span(1, name="<img src=x onerror=alert(1)>"))
    page = text(browser, q="SELECT name, cost_usd, 1 AS `<b>` FROM spans")
    assert "<img src=x" not in page
    assert "<b>" not in page
    assert "&lt;img src=x" in page
    assert "NULL" in page
    assert " style=" not in page


def test_pages_and_truncation(browser: Client) -> None:
    page = text(browser, q="SELECT number FROM numbers(20000) ORDER BY number", page="2")
    assert "Rows 101 to 200 of the first 10,000" in page
    assert "There are more rows" in page
    assert "No rows" in text(browser, q="SELECT 1 WHERE 0", page="99")


def test_an_error_stands_at_the_statement(browser: Client) -> None:
    page = text(browser, 400, q="SELECT * FROM stored_spans")
    assert 'id="complaint"' in page
    assert "SELECT * FROM stored_spans</textarea>" in page
    assert 'id="complaint"' in text(browser, 400, q="SELECT no_such FROM spans")
    assert 'id="complaint"' in text(browser, 400, q="x" * 5_000)


def test_files(browser: Client) -> None:
    answer = browser.get("/sql/", {"q": "SELECT '=1+1' AS a", "format": "csv"})
    assert answer.content == b"a\r\n'=1+1\r\n"
    assert answer["Content-Disposition"] == 'attachment; filename="default-query.csv"'
    assert browser.get("/sql/", {"q": "SELECT 1 AS a", "format": "json"}).json()["data"] == [{"a": 1}]


def test_a_viewer_may_not(browser: Client) -> None:
    Membership.objects.update(role=Membership.Role.VIEWER)
    text(browser, 403, q="SELECT 1")
