"""Own prices by API: what is accepted, what is refused and how, who may, and what is said about stored calls."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from kombu.exceptions import OperationalError

from dashboard.api import price_shapes, prices
from tests.api.conftest import with_key
from tracestore import tasks
from tracestore.celery import app
from tracestore.clickhouse import repricing
from tracestore.clickhouse.repricing import Calls, Touched
from tracestore.errors import Unavailable
from tracestore.models import PriceOverride, Project, Repricing
from tracestore.prices import book as price_book

PRICES = "/api/v1/prices/"
GOOD: dict[str, Any] = {"model": "our-llama*", "input_per_million": 0.5, "output_per_million": "1.25"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Calls]:
    """What the store was asked about; it has three such calls."""
    found: list[Calls] = []

    def touched(calls: Calls) -> Touched:
        found.append(calls)
        return Touched(3, None, 2)

    monkeypatch.setattr(repricing, "touched", touched)
    return found


@pytest.fixture
def admin(default_project: Project, asked: list[Calls]) -> Client:
    return with_key(default_project, "read", "admin")


def send(client: Client, method: str, path: str, body: object) -> Any:
    return getattr(client, method)(path, json.dumps(body), content_type="application/json")


def test_a_price_is_set_listed_changed_and_deleted(admin: Client, asked: list[Calls]) -> None:
    sent = {**GOOD, "provider": "ours", "reasoning_per_million": 2, "valid_from": "2026-11-01T00:00:00Z", "note": "x"}
    made = send(admin, "post", PRICES, sent)
    assert made.status_code == 201
    body = made.json()
    assert set(body) == set(price_shapes.ChangedPrice().fields)
    assert (body["input_per_million"], body["output_per_million"], body["cache_read_per_million"]) == (0.5, 1.25, None)
    assert (body["source"], body["currency"]) == (f"project override {body['id']}", "USD")
    assert body["stored_calls"] == {
        "calls": 3, "unpriced": 2, "cost_usd": None,
        "reprice": "manage.py reprice --project default --model 'our-llama*' --since 2026-11-01T00:00:00+00:00",
    }  # fmt: skip
    assert (asked[0].model, asked[0].provider, asked[0].until) == ("our-llama*", "ours", None)

    listed = admin.get(PRICES).json()
    assert listed["next"] is None
    assert [set(one) for one in listed["results"]] == [set(price_shapes.Price().fields)]

    path = f"{PRICES}{body['id']}/"
    noted = send(admin, "patch", path, {"note": "y"}).json()
    assert (noted["note"], noted["revision"], noted["valid_from"]) == ("y", 1, "2026-11-01T00:00:00Z")
    changed = send(admin, "patch", path, {"input_per_million": 1}).json()
    assert (changed["revision"], changed["source"]) == (2, f"project override {body['id']} revision 2")
    replaced = send(admin, "put", path, GOOD).json()
    assert (replaced["revision"], replaced["provider"], replaced["valid_from"]) == (3, "", None)
    assert admin.get(path).json()["stored_calls"]["calls"] == 3
    assert admin.delete(path).status_code == 200
    assert (admin.get(PRICES).json()["results"], admin.get(path).status_code) == ([], 404)


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"model": ""}, "model", "a pattern"),
        ({"model": 5}, "model", "text"),
        ({"model": "a\nb"}, "model", "one line"),
        ({"model": "x" * 201}, "model", "200"),
        ({"input_per_million": None}, "input_per_million", "0 if it is free"),
        ({"output_per_million": ""}, "output_per_million", "0 if it is free"),
        ({"input_per_million": -1}, "input_per_million", "0 to"),
        ({"input_per_million": True}, "input_per_million", "0 to"),
        ({"input_per_million": "1,5"}, "input_per_million", "0 to"),
        ({"input_per_million": "NaN"}, "input_per_million", "0 to"),
        ({"input_per_million": "Infinity"}, "input_per_million", "0 to"),
        ({"cache_read_per_million": "1e-10"}, "cache_read_per_million", "9 decimal places"),
        ({"cache_write_per_million": 1e7}, "cache_write_per_million", "0 to"),
        ({"reasoning_per_million": [1]}, "reasoning_per_million", "0 to"),
        ({"currency": "EUR"}, "currency", "USD"),
        ({"valid_from": "soon"}, "valid_from", "is not a time"),
        ({"valid_from": 5}, "valid_from", "as text"),
        ({"valid_from": "2026-02-01", "valid_until": "2026-02-01"}, "valid_until", "after valid_from"),
        ({"price": 1}, "price", "no such field"),
    ],
)
def test_a_mistake_is_named(admin: Client, change: dict[str, Any], field: str, says: str) -> None:
    response = send(admin, "post", PRICES, GOOD | change)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_input")
    assert response.json()["error"]["field"] == field
    assert says in response.json()["error"]["message"]
    assert not PriceOverride.objects.exists()


@pytest.mark.parametrize("body", ["[]", '"text"', "null", "{"])
def test_what_is_no_object_is_refused(admin: Client, body: str) -> None:
    assert admin.post(PRICES, body, content_type="application/json").status_code == 400


def test_only_admins_change_and_readers_read(default_project: Project, asked: list[Calls], client: Client) -> None:
    reader = with_key(default_project, "read")
    row = PriceOverride.objects.create(project=default_project, model="m", input_per_million=1, output_per_million=1)
    for method, path, body in (
        ("post", PRICES, GOOD),
        ("patch", f"{PRICES}{row.pk}/", {"note": "z"}),
        ("put", f"{PRICES}{row.pk}/", GOOD),
        ("delete", f"{PRICES}{row.pk}/", {}),
        ("post", f"{PRICES}reprice/", {}),
    ):
        for caller in (reader, client):
            assert send(caller, method, path, body).status_code == 403
    assert len(reader.get(PRICES).json()["results"]) == 1


def test_prices_of_another_project_do_not_exist(admin: Client, other_project: Project) -> None:
    row = PriceOverride.objects.create(project=other_project, model="m", input_per_million=1, output_per_million=1)
    job = Repricing.objects.create(project=other_project)
    for path in (f"{PRICES}{row.pk}/", f"{PRICES}reprice/{job.pk}/"):
        assert admin.get(path).status_code == 404
    assert admin.delete(f"{PRICES}{row.pk}/").status_code == 404
    assert admin.get(PRICES).json()["results"] == admin.get(f"{PRICES}reprice/").json()["results"] == []


def test_a_price_is_set_also_while_the_store_is_away(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(calls: Calls) -> Touched:
        raise Unavailable("away")

    monkeypatch.setattr(repricing, "touched", away)
    response = send(admin, "post", PRICES, GOOD)
    assert (response.status_code, response.json()["stored_calls"]) == (201, None)


def test_there_is_a_most(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prices, "MOST_PRICES", 1)
    assert send(admin, "post", PRICES, GOOD).status_code == 201
    assert send(admin, "post", PRICES, GOOD).status_code == 400


def test_a_recalculation_is_started_and_read(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr(app, "send_task", lambda name, args: sent.extend(args if name == tasks.reprice.name else ()))
    made = send(admin, "post", f"{PRICES}reprice/", {"model": "our*", "since": "7d"})
    body = made.json()
    assert (made.status_code, body["state"], body["model"], sent) == (202, "waiting", "our*", [body["id"]])
    assert set(body) == set(price_shapes.Repricing().fields)
    busy = send(admin, "post", f"{PRICES}reprice/", {})
    assert (busy.status_code, busy.json()["error"]["code"], len(sent)) == (429, "overloaded", 1)
    Repricing.objects.update(state="running", calls=10, seen=4)
    assert admin.get(f"{PRICES}reprice/{body['id']}/").json()["seen"] == 4
    assert [one["id"] for one in admin.get(f"{PRICES}reprice/").json()["results"]] == [body["id"]]
    for wrong, field in (
        ({"since": "x"}, "since"),
        ({"models": "a"}, "models"),
        ({"until": "7d", "since": "1d"}, "until"),
    ):
        assert send(admin, "post", f"{PRICES}reprice/", wrong).json()["error"]["field"] == field


def test_a_queue_that_is_away_is_told(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(app, "send_task", away)
    response = send(admin, "post", f"{PRICES}reprice/", {})
    assert (response.status_code, response.json()["error"]["code"]) == (503, "unavailable")
    assert not Repricing.objects.exists()


def test_a_web_process_reaches_the_worker_s_queue(default_project: Project, tmp_path: Path) -> None:
    """As in a process that has loaded nothing but the pages: the task lands in the configured queue."""
    program = (
        "import django; django.setup()\n"
        "from django.core.management import call_command\n"
        "call_command('migrate', verbosity=0)\n"
        "import dashboard.api.urls\n"
        "from tracestore import repricing\n"
        "from tracestore.clickhouse.repricing import Calls\n"
        "repricing.start(Calls('default'))\n"
    )
    environment = {"DJANGO_SETTINGS_MODULE": "tracestore.settings", "TRACESTORE_DATA_DIR": str(tmp_path)}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRACESTORE_")}
    subprocess.run([sys.executable, "-c", program], check=True, env=kept | environment)
    queued = [path.read_text() for path in tmp_path.rglob("*.msg")]
    assert len(queued) == 1
    assert "tracestore.reprice" in queued[0]


def test_ingest_hears_of_a_price_and_keeps_it_while_the_database_is_away(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = price_book()
    book.refresh()
    assert book.of("default") is None
    number = send(admin, "post", PRICES, GOOD | {"cache_read_per_million": 0.1}).json()["id"]
    book.refresh()
    own = book.of("default")
    assert own is not None
    price = own.find("any", "OUR-llama-3", 0)
    assert price is not None
    assert (price.input, price.cache_read, price.cache_write) == (5e-7, 1e-7, 5e-7)
    assert (price.reasoning, price.source) == (None, f"project override {number}")
    assert book.of("other") is None

    def away(*_: object) -> None:
        raise RuntimeError("away")

    with monkeypatch.context() as patch:
        patch.setattr(PriceOverride.objects, "select_related", away)
        book.refresh()
    assert book.of("default") is own
