"""The dashboard and the alert rules that ship: of the right shape, and about metrics that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from django.test import Client
from prometheus_client import CollectorRegistry

from dashboard import health  # noqa: F401 (registers its collectors)
from dashboard.metrics import REGISTRY as WEB
from ingest.metrics import Metrics
from tracestore import passes, worker_metrics
from tracestore.clickhouse import store_status
from tracestore.clickhouse.detecting import looking
from tracestore.clickhouse.store_status import Growth, Table
from tracestore.environment import ROOT
from tracestore.schedule import SCHEDULE
from tracestore.status import reading

pytestmark = pytest.mark.django_db
FOLDER = ROOT / "docs" / "monitoring"
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "info": ("_info",), "gauge": ("",)}
NAME = re.compile(r"\b(?:tracestore|process)_[a-z0-9_]+")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    reading.forget()
    monkeypatch.setattr(store_status, "waiting", lambda project: (2, 1.5))
    monkeypatch.setattr(store_status, "tables", lambda: [Table("stored_spans", 10, 10**9)])
    monkeypatch.setattr(store_status, "space", lambda: (10**9, 10**10))
    monkeypatch.setattr(store_status, "growth", lambda: [Growth("default", 100, 10, 0)])
    monkeypatch.setattr(looking, "looked_until", lambda job: 1)
    monkeypatch.setattr(WEB, "_auto_describe", False, raising=False)
    yield
    reading.forget()


def names(registry: CollectorRegistry) -> set[str]:
    return {family.name + suffix for family in registry.collect() for suffix in SUFFIXES[family.type]}


@pytest.fixture
def known(store: None, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    monkeypatch.setattr("dashboard.status_metrics.FRESH_S", 0.0)
    passes.forget()
    passes.done("settle_traces")
    Client().get("/healthz")  # loads what counts requests
    return names(WEB) | names(Metrics().registry) | names(worker_metrics.REGISTRY)


def rules() -> list[dict[str, Any]]:
    read = yaml.safe_load((FOLDER / "tracestore-alerts.yml").read_text())
    [group] = read["groups"]
    assert set(group) == {"name", "rules"}
    found: list[dict[str, Any]] = group["rules"]
    return found


def board() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "tracestore-dashboard.json").read_text())
    return found


def expressions() -> list[str]:
    targets = [target for panel in board()["panels"] for target in panel.get("targets", [])]
    return [rule["expr"] for rule in rules()] + [target["expr"] for target in targets]


def test_every_metric_that_they_name_exists(known: set[str]) -> None:
    named = {name for expression in expressions() for name in NAME.findall(expression)}
    assert len(named) > 25
    assert named - known == set()


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_a_rule_has_what_prometheus_and_people_need(rule: dict[str, Any]) -> None:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"Tracestore[A-Za-z]+", rule["alert"])
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert set(rule["annotations"]) == {"summary", "description"}
    assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))
    for one in ("()", "{}", "[]"):
        assert rule["expr"].count(one[0]) == rule["expr"].count(one[1])


def test_the_rules_that_must_be_there() -> None:
    text = " ".join(rule["expr"] for rule in rules())
    for needed in (
        "tracestore_settling_oldest_seconds", 'outcome="rejected"', 'outcome!="received"', "last_success_timestamp",
        "disk_full_days", 'tracestore_channels{state="disabled"}', "notifications_oldest_waiting",
    ):  # fmt: skip
        assert needed in text
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)


def test_every_job_is_watched_by_a_rule() -> None:
    jobs = {str(entry["task"]).removeprefix("tracestore.") for entry in SCHEDULE.values()}
    watched = {
        job for rule in rules() for found in re.findall(r'job=~"([^"]+)"', rule["expr"]) for job in found.split("|")
    }
    assert watched == jobs


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    found = board()
    assert found["schemaVersion"] >= 36
    assert found["title"] == "Tracestore"
    ids = [panel["id"] for panel in found["panels"]]
    assert len(set(ids)) == len(ids) > 15
    [variable] = found["templating"]["list"]
    assert (variable["name"], variable["type"], variable["query"]) == ("datasource", "datasource", "prometheus")
    places: set[tuple[int, int]] = set()
    for panel in found["panels"]:
        place = panel["gridPos"]
        covered = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not covered & places, panel["title"]
        places |= covered
        if panel["type"] == "row":
            continue
        assert panel["type"] in ("timeseries", "stat")
        assert panel["datasource"]["uid"] == "${datasource}"
        assert all(target["expr"] and target["refId"] for target in panel["targets"])


def test_documents_name_the_metrics_of_the_status(known: set[str]) -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    own = {
        name for name in known if name.startswith("tracestore_") and not name.endswith(("_sum", "_count", "_bucket"))
    }
    listed = {name for name in NAME.findall(text) if name.startswith("tracestore_")}
    assert own - listed == set()
    assert listed - known - {re.sub("_bucket$", "", name) for name in known} == set()
