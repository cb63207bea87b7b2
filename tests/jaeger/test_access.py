"""Who is let in is as for the rest of the API; failures have the shapes that Jaeger's clients read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from dashboard.jaeger import endpoint
from tracestore import keys
from tracestore.clickhouse.jaeger_reader import JaegerReader
from tracestore.errors import Unavailable
from tracestore.models import Membership, Project

pytestmark = pytest.mark.django_db

ADDRESSES = (
    "services", "services/shop/operations", "operations?service=shop", "traces", "traces?traceID=1", "traces/1",
    "dependencies",
)  # fmt: skip
ADDRESSES_V3 = ("services", "operations?service=shop", "traces", "traces/1", "trace-summaries")


class FakeReader(JaegerReader):
    """Knows which project was asked for; every other question fails."""

    def __init__(self) -> None:
        self.projects: list[str] = []

    def services(self, project: str) -> list[str]:
        self.projects.append(project)
        return ["shop"]

    def operations(self, *_: Any, **__: Any) -> Any:
        raise Unavailable("The store does not answer. Try again shortly.")

    def find(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("password=hunter2")


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> FakeReader:
    made = FakeReader()
    monkeypatch.setattr(endpoint, "get_jaeger_reader", lambda: made)
    return made


@pytest.fixture
def key_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ENVIRONMENT", replace(settings.ENVIRONMENT, require_api_key=True))


@pytest.fixture(autouse=True)
def no_remembered_keys() -> Iterator[None]:
    keys._cache.clear()
    yield
    keys._cache.clear()


def test_without_a_key_where_one_is_required(client: Client, reader: FakeReader, key_required: None) -> None:
    for address in (*ADDRESSES, *(f"v3/{one}" for one in ADDRESSES_V3)):
        response = client.get(f"/jaeger/api/{address}")
        assert response.status_code == 401, address
        assert response["WWW-Authenticate"].startswith("Bearer")
        if address.startswith("v3/"):
            assert response.json()["error"]["httpCode"] == 401
        else:
            assert response.json()["errors"][0]["code"] == 401
    assert reader.projects == []


def test_a_key_a_login_or_this_machine(reader: FakeReader) -> None:
    default = Project.objects.get_or_create(slug="default", defaults={"name": "Default"})[0]
    other = Project.objects.create(slug="other", name="Other")
    key = keys.create(other, "grafana", ("read",))
    browser = Client()
    user = User.objects.create_user("ada")
    Membership.objects.create(user=user, project=default, role=Membership.Role.VIEWER)
    browser.force_login(user)
    for client, project in (
        (Client(headers={"authorization": f"Bearer {key}"}), "other"),
        (Client(headers={"x-api-key": key}), "other"),
        (browser, "default"),
        (Client(), "default"),
    ):
        assert client.get("/jaeger/api/services").json()["data"] == ["shop"]
        assert reader.projects.pop() == project
    assert Client(headers={"x-api-key": key}).get("/jaeger/api/services?project=default").status_code == 404
    assert Client(headers={"x-api-key": "wrong"}).get("/jaeger/api/services").status_code == 401
    ingest_only = keys.create(other, "sender", ("ingest",))
    assert Client(headers={"x-api-key": ingest_only}).get("/jaeger/api/services").status_code == 403
    assert reader.projects == []


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("traces?limit=x", 400, "limit"),
        ("traces/xyz", 400, "traceID"),
        ("operations", 400, "service"),
        ("operations?service=shop", 503, "does not answer"),
        ("traces", 500, "internal error"),
        ("metrics/calls", 404, "does not serve"),
        ("nothing/here", 404, "does not serve"),
    ],
)
def test_failures_have_jaegers_shape(client: Client, reader: FakeReader, address: str, status: int, words: str) -> None:
    response = client.get(f"/jaeger/api/{address}")
    answer = response.json()
    assert response.status_code == status
    assert {**answer, "errors": None} == {"data": None, "total": 0, "limit": 0, "offset": 0, "errors": None}
    ((code, message),) = [(error["code"], error["msg"]) for error in answer["errors"]]
    assert code == status
    assert words in message
    assert "hunter2" not in response.content.decode()
    if status == 503:
        assert int(response["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("traces?query.searchDepth=x", 400, "query.searchDepth"),
        ("trace-summaries?query.durationMin=1", 400, "query.durationMin"),
        ("operations?service=shop", 503, "does not answer"),
        ("traces", 500, "internal error"),
    ],
)
def test_failures_of_v3_have_its_shape(
    client: Client, reader: FakeReader, address: str, status: int, words: str
) -> None:
    response = client.get(f"/jaeger/api/v3/{address}")
    (answer,) = response.json().values()
    assert (response.status_code, answer["httpCode"]) == (status, status)
    assert words in answer["message"]
    assert set(answer) == {"httpCode", "message"}


def test_only_reading(client: Client, reader: FakeReader) -> None:
    for address in (*ADDRESSES, "archive/1", "transform"):
        response = client.post(f"/jaeger/api/{address}")
        assert response.status_code in (403, 405), address
        assert response.json()["errors"][0]["code"] == response.status_code


def test_answers_are_json_and_kept_by_nobody(client: Client, reader: FakeReader) -> None:
    response = client.get("/jaeger/api/services", headers={"accept": "text/html"})
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
