"""The page of models and prices: what is unknown first, the form, who may, and how a recalculation is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tracestore import tasks
from tracestore.celery import app
from tracestore.clickhouse import model_usage, repricing
from tracestore.clickhouse.aggregates import spend
from tracestore.clickhouse.aggregates.spend import Spend
from tracestore.clickhouse.model_usage import ModelUsage
from tracestore.clickhouse.repricing import Touched
from tracestore.models import Membership, PriceOverride, Project, Repricing

pytestmark = pytest.mark.urls("dashboard.pages.urls")

UNKNOWN = ModelUsage("house<b>7b", "ours", 1204, 0, 3, 90_000, 4_000, 0, 0, 0, None, 1201, 2, 10**9, 10**10, [])
KNOWN = ModelUsage(
    "gpt-4o-mini",
    "openai",
    10,
    0,
    0,
    1000,
    50,
    400,
    0,
    0,
    0.25,
    0,
    0,
    10**8,
    10**9,
    ["genai-prices 1 openai/gpt-4o-mini"],
)


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[ModelUsage]:
    rows = [UNKNOWN, KNOWN]
    monkeypatch.setattr(model_usage, "model_usage", lambda *_, **__: list(rows))
    monkeypatch.setattr(repricing, "touched", lambda calls: Touched(1204, 0.0, 1201))
    monkeypatch.setattr(
        spend, "spend_in_ways", lambda _, ways, **__: {by: [Spend(f"a {by}", 10, 4, 1050, 0.25, 0)] for by in ways}
    )
    monkeypatch.setattr(
        spend,
        "over_time",
        lambda period, by, grid, names: {n: [0.5] * grid.places for n in names} | {None: [0.0] * grid.places},
    )
    return rows


@pytest.fixture
def owner(browser_client: Client, member: User) -> Client:
    Membership.objects.filter(user=member).update(role=Membership.Role.OWNER)
    return browser_client


def text(client: Client, path: str = "/models/", status: int = 200) -> str:
    response = client.get(path)
    assert response.status_code == status
    return response.content.decode()


def test_models_without_a_price_stand_first_and_lead_to_the_form(owner: Client, used: list[ModelUsage]) -> None:
    page = text(owner)
    assert page.index("house&lt;b&gt;7b") < page.index("gpt-4o-mini")
    assert "house<b>" not in page
    assert "1,201 calls of 1 model without a price" in page
    assert "genai-prices 1 openai/gpt-4o-mini" in page
    assert "2 incomplete" in page
    opened = text(owner, "/models/?model=house%3Cb%3E7b&provider=ours")
    assert '<details class="price-form" id="price" open>' in opened
    assert 'name="model" value="house&lt;b&gt;7b"' in opened
    assert 'name="provider" value="ours"' in opened


def test_spend_by_agent_user_and_session_leads_to_its_traces(owner: Client, used: list[ModelUsage]) -> None:
    page = text(owner, "/models/?since=24h")
    assert 'href="/traces/?agent=a+agent&amp;since=24h"' in page
    assert 'href="/traces/?user_id=a+user&amp;since=24h"' in page
    assert 'href="/traces/?session_id=a+session&amp;since=24h"' in page
    assert "Spend by model" in page
    assert '<script id="spend-model-figure" type="application/json">' in page


def test_nothing_called_says_so(browser_client: Client, used: list[ModelUsage]) -> None:
    used.clear()
    page = text(browser_client)
    assert "No model was called in this time" in page
    assert "There are none: all costs are from the built-in table" in page


def test_a_time_that_is_none_is_named(browser_client: Client, used: list[ModelUsage]) -> None:
    assert "is not a time" in text(browser_client, "/models/?since=soon", 400)


def test_the_form_sets_changes_and_deletes(owner: Client, used: list[ModelUsage], member: User) -> None:
    sent = {"model": "house*", "input_per_million": "0.5", "output_per_million": "1", "valid_from": "2026-11-01"}
    after = owner.post("/models/price/", sent, follow=True).content.decode()
    row = PriceOverride.objects.get()
    assert (row.model, float(row.input_per_million), row.created_by) == ("house*", 0.5, member)
    assert "It is about <b>1,204</b> stored calls, 1,201 of them without a cost" in after
    assert "manage.py reprice --project default --model &#x27;house*&#x27;" in after
    edit = text(owner, f"/models/?edit={row.pk}")
    assert 'name="input_per_million" value="0.5"' in edit
    assert 'name="valid_from" value="2026-11-01T00:00:00Z"' in edit
    owner.post("/models/price/", {**sent, "id": row.pk, "output_per_million": "2"})
    row.refresh_from_db()
    assert (float(row.output_per_million), row.revision) == (2.0, 2)
    owner.post(f"/models/price/{row.pk}/delete/")
    assert not PriceOverride.objects.exists()


def test_a_mistake_shows_the_form_again_with_what_was_typed(owner: Client, used: list[ModelUsage]) -> None:
    response = owner.post(
        "/models/price/", {"model": "house*", "input_per_million": "cheap", "output_per_million": "1"}
    )
    page = response.content.decode()
    assert response.status_code == 400
    assert "<b>input_per_million</b>: Expected US dollars" in page
    assert 'value="cheap" required inputmode="decimal" aria-invalid="true" aria-describedby="price-wrong"' in page
    assert not PriceOverride.objects.exists()


@pytest.mark.parametrize("path", ["/models/price/", "/models/price/1/delete/", "/models/reprice/"])
def test_members_read_and_do_not_change(browser_client: Client, used: list[ModelUsage], path: str) -> None:
    assert browser_client.post(path, {"model": "m"}).status_code == 403
    assert browser_client.get(path).status_code == 405
    assert Client().post(path).status_code == 302
    page = text(browser_client)
    assert "needs the role owner or admin" in page
    assert "price-form" not in page


def test_forms_need_the_token(member: User, used: list[ModelUsage]) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(member)
    Membership.objects.update(role=Membership.Role.OWNER)
    assert strict.post("/models/price/", {"model": "m"}).status_code == 403


def test_prices_of_another_project_cannot_be_changed(owner: Client, used: list[ModelUsage]) -> None:
    other = Project.objects.create(slug="other", name="Other")
    row = PriceOverride.objects.create(project=other, model="m", input_per_million=1, output_per_million=1)
    assert owner.get(f"/models/?edit={row.pk}").status_code == 404
    assert owner.post(f"/models/price/{row.pk}/delete/").status_code == 404
    for number in ("x", "", "9" * 30):
        assert owner.post(f"/models/price/{number or 0}/delete/").status_code == 404


JOB: dict[str, Any] = {
    "calls": 10, "seen": 4,
    "outcome": [
        {"model": "m", "calls": 4, "old_cost_usd": 0, "new_cost_usd": 0.5, "newly_priced": 4, "newly_unpriced": 0}
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("state", "age", "says", "polls"),
    [
        ("running", 1, "4 of 10 calls looked at, 4 changed", True),
        ("running", 600, "stopped", False),
        ("waiting", 1, "Recalculating", True),
        ("done", 600, "4 of 10 calls changed", False),
        ("failed", 1, "failed after 4 calls. The store", False),
    ],
)
def test_how_far_a_recalculation_is(
    owner: Client, used: list[ModelUsage], state: str, age: int, says: str, polls: bool
) -> None:
    told = timezone.now() - timedelta(seconds=age)
    project = Project.objects.get(slug="default")
    Repricing.objects.create(project=project, state=state, told_at=told, message="The store is away.", **JOB)
    for path in ("/models/", "/models/repricing/"):
        page = text(owner, path)
        assert says in page
        assert ('hx-trigger="every 1s"' in page) == polls
        assert "4 calls, $0 → $0.5, 4 had no price" in page


def test_a_recalculation_is_started(owner: Client, used: list[ModelUsage], monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr(app, "send_task", lambda name, args: sent.extend(args if name == tasks.reprice.name else ()))
    owner.post("/models/reprice/", {"model": "house*", "since": "2026-11-01T00:00:00+00:00", "until": ""})
    row = Repricing.objects.get()
    assert (sent, row.model, row.until) == ([row.pk], "house*", None)
    assert row.since is not None
