"""The list of models: its shape, its pages, its mistakes."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.api import price_shapes
from tests.api.conftest import with_key
from tracestore.clickhouse import model_usage
from tracestore.clickhouse.model_usage import ModelUsage
from tracestore.models import Project

MODELS = "/api/v1/models/"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found: list[Any] = []

    def answer(project: str, since: Any, until: Any, *, limit: int, offset: int) -> list[ModelUsage]:
        found.append((project, since, until))
        rows = [ModelUsage(f"m{n}", "acme", 5, 1, 1, 10, 2, 0, 0, 0, None, 4, 0, 1, 2, []) for n in range(5)]
        return rows[offset : offset + limit]

    monkeypatch.setattr(model_usage, "model_usage", answer)
    return found


def test_pages_follow_each_other(default_project: Project, asked: list[Any]) -> None:
    client = with_key(default_project, "read")
    names, cursor = [], ""
    for _ in range(3):
        page = client.get(f"{MODELS}?limit=2&since=2026-01-01&cursor={cursor}").json()
        names += [row["model"] for row in page["results"]]
        cursor = page["next"]
    assert (names, cursor) == ([f"m{n}" for n in range(5)], None)
    assert set(page["results"][0]) == set(price_shapes.Model().fields)
    assert page["results"][0]["cost_usd"] is None
    assert (asked[0][0], asked[0][1].year, asked[0][2]) == ("default", 2026, None)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("since=soon", "since"),
        ("since=1h&until=2h", "since"),
        ("limit=0", "limit"),
        ("cursor=xx", "cursor"),
        ("cursor=bTE1eA", "cursor"),
    ],
)
def test_a_mistake_is_named(default_project: Project, asked: list[Any], query: str, field: str) -> None:
    response = with_key(default_project, "read").get(f"{MODELS}?{query}")
    assert (response.status_code, response.json()["error"]["field"]) == (400, field)
