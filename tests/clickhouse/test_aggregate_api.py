"""`agents/`, `tools/`, `sessions/` of the API over a real store: shapes as described, pages, mistakes, one project."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from rest_framework import serializers

from dashboard.api import aggregate_shapes as shapes
from tests.clickhouse.spans import START
from tests.clickhouse.test_aggregates import failing, run
from tests.clickhouse.test_writer import write
from tracestore import keys
from tracestore.models import Project

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.urls")]


@pytest.fixture
def client_of(db: None) -> Any:
    def made(slug: str = "default") -> Client:
        project, _ = Project.objects.get_or_create(slug=slug, defaults={"name": slug})
        return Client(headers={"authorization": f"Bearer {keys.create(project, 'test', ('read',))}"})

    return made


@pytest.fixture
def filled() -> None:
    write(*run(1, tools_called=("search", "book")), failing(1, "boom 1"), *run(2, agent="a/b", session_id="s/2"))


def fits(answer: dict[str, Any], shape: type[serializers.Serializer[Any]]) -> None:
    fields = shape().fields
    assert set(answer) == set(fields)
    for name, field in fields.items():
        if isinstance(field, serializers.ListSerializer):
            assert answer[name] == [] or set(answer[name][0]) == set(field.child.fields), name


def test_lists_have_the_shape_that_is_described(client_of: Any, filled: None) -> None:
    client = client_of()
    for path, shape, count in (
        ("agents", shapes.Agent, 2),
        ("tools", shapes.ToolFigures, 2),
        ("sessions", shapes.Session, 2),
    ):
        answer = client.get(f"/api/v1/{path}/").json()
        assert set(answer) == {"results", "next"}
        assert (len(answer["results"]), answer["next"]) == (count, None)
        fits(answer["results"][0], shape)


def test_one_of_each_with_any_name(client_of: Any, filled: None) -> None:
    client = client_of()
    agent = client.get("/api/v1/agents/planner/").json()
    fits(agent, shapes.AgentDetail)
    assert (agent["name"], agent["state"], agent["traces"], agent["errors"]) == ("planner", "unknown", 1, 1)
    assert client.get("/api/v1/agents/a%2Fb/").json()["cost_usd"] == 0.5
    tool = client.get("/api/v1/tools/search/").json()
    fits(tool, shapes.ToolDetail)
    assert (tool["calls"], tool["error_kinds"][0]["template"]) == (2, "boom <n>")
    session = client.get("/api/v1/sessions/s%2F2/").json()
    fits(session, shapes.SessionDetail)
    assert [turn["trace_id"] for turn in session["turns"]] == [f"{2:032x}"]


def test_pages_follow_each_other(client_of: Any, filled: None) -> None:
    client = client_of()
    for path, key in (("agents", "name"), ("tools", "name"), ("sessions", "session_id")):
        whole = [row[key] for row in client.get(f"/api/v1/{path}/").json()["results"]]
        first = client.get(f"/api/v1/{path}/?limit=1").json()
        second = client.get(f"/api/v1/{path}/?limit=1&cursor={first['next']}").json()
        assert [first["results"][0][key], second["results"][0][key]] == whole
        assert second["next"] is None


def test_only_what_began_in_the_time(client_of: Any, filled: None) -> None:
    client = client_of()
    after = START // 10**9 + 60
    for path in ("agents", "tools", "sessions"):
        assert client.get(f"/api/v1/{path}/?since={after}").json()["results"] == []
    assert client.get(f"/api/v1/agents/planner/?since={after}").json()["traces"] == 0


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("agents/?since=soon", "since"), ("tools/?since=1h&until=2h", "since"), ("sessions/?limit=0", "limit"),
        ("sessions/?cursor=x", "cursor"), ("agents/?cursor=x", "cursor"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(client_of: Any, path: str, field: str) -> None:
    response = client_of().get(f"/api/v1/{path}")
    assert (response.status_code, response.json()["error"]["field"]) == (400, field)


def test_another_project_sees_nothing(client_of: Any, filled: None) -> None:
    client = client_of("other")
    for path in ("agents", "tools", "sessions"):
        assert client.get(f"/api/v1/{path}/").json()["results"] == []
    for path in ("agents/planner", "tools/search", "sessions/s%2F2"):
        assert client.get(f"/api/v1/{path}/").status_code == 404
