"""Deleting a project and bringing it back, in a real browser: by keyboard, on a phone, in both themes under axe."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.e2e.test_accessibility import look_in_both_themes
from tests.e2e.test_browser import browser as browser
from tests.e2e.test_browser import page as page
from tests.e2e.test_browser import store as store
from tests.e2e.test_organisation_in_browser import acme as acme
from tests.e2e.test_organisation_in_browser import is_wide, log_in
from tests.organisations.conftest import Acme
from tracestore import sql_readers
from tracestore.celery import app
from tracestore.clickhouse import deleting_projects
from tracestore.models import Project, ProjectDeletion

pytestmark = [pytest.mark.urls("dashboard.pages.urls"), pytest.mark.django_db(transaction=True)]


def test_a_project_is_deleted_and_brought_back(
    page: Page, live_server: LiveServer, acme: Acme, store: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "send_task", lambda name, **_: None)
    monkeypatch.setattr(sql_readers, "listing", list)
    monkeypatch.setattr(deleting_projects, "count", lambda project, table: 20_417)
    Project.objects.create(slug="lab", name="The laboratory of agents", organisation=acme.organisation)
    ProjectDeletion.objects.create(
        slug="old", name="Old shop", organisation=acme.organisation, state="done", requested_by="ada",
        due_at=acme.shop.created_at, finished_at=acme.shop.created_at,
        before={"stored_spans": 20_417, "stored_logs": 0, "alerts_incident": 3},
        left={"stored_spans": 0, "stored_logs": 0, "alerts_incident": 0},
    )  # fmt: skip
    log_in(page, live_server, acme, "owner")
    page.goto(f"{live_server.url}/settings/organisation/")
    page.get_by_role("link", name="Delete The laboratory of agents").click()
    assert look_in_both_themes(page) == []
    field = page.get_by_label("Confirm", exact=True)
    field.fill("lab")
    field.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("typed again")
    expect(field).to_be_focused()
    assert look_in_both_themes(page) == []
    field.fill("The laboratory of agents")
    page.get_by_role("button", name="Delete the project").click()
    expect(page.get_by_role("status").first).to_contain_text("is closed")
    expect(page.get_by_role("article", name="Deletion of The laboratory")).to_contain_text("to be deleted on")
    page.get_by_text("By table").click()
    page.get_by_text("Delete this organisation").click()
    assert look_in_both_themes(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert not is_wide(page)
    page.goto(f"{live_server.url}/settings/organisation/projects/shop/delete/")
    assert not is_wide(page)
    page.goto(f"{live_server.url}/settings/organisation/")
    page.get_by_role("button", name="Bring The laboratory of agents back").click()
    expect(page.get_by_role("status").first).to_contain_text("is back as it was")
    assert Project.objects.filter(slug="lab").exists()
