"""Retention by the API: read with `read`, changed with `admin`, in the caller's project only."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import with_key
from tracestore import retention
from tracestore.clickhouse import expiry
from tracestore.clickhouse.expiry import Stored
from tracestore.models import Project
from tracestore.retention import Retention

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/retention/"


@pytest.fixture(autouse=True)
def stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "stored", lambda project, table: Stored(table, 3, 0, 10**9, 77, shared=True))


def test_reading(default_project: Project) -> None:
    answer = with_key(default_project).get(ADDRESS).json()
    assert (answer["payload_days"], answer["span_days"], answer["tool_call_days"]) == (None, None, None)
    assert [row["table"] for row in answer["stored"]] == [
        "stored_payloads", "stored_histories", "stored_spans", "stored_traces", "stored_tool_calls",
    ]  # fmt: skip
    assert answer["stored"][2] == {
        "table": "stored_spans", "setting": "span_days", "keeps_days": None, "rows": 3,
        "first": "1970-01-01T00:00:00.000000000Z", "last": "1970-01-01T00:00:01.000000000Z",
        "bytes_on_disk": 77, "estimated": True,
    }  # fmt: skip


def test_changing_takes_admin_and_touches_one_project(default_project: Project, other_project: Project) -> None:
    sent = {"payload_days": 7, "span_days": 30}
    refused = with_key(default_project, "read", "sql", "ingest").put(ADDRESS, sent, content_type="application/json")
    assert refused.status_code == 403
    assert retention.of("default") == Retention()
    answer = with_key(default_project, "admin", "read").put(ADDRESS, sent, content_type="application/json")
    assert (answer.status_code, answer.json()["span_days"]) == (200, 30)
    assert retention.of("default") == Retention(7, 30, None)
    assert retention.of("other") == Retention()


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"span_days": 0}, "span_days"),
        ({"span_days": "7"}, "span_days"),
        ({"span_days": True}, "span_days"),
        ({"span_days": 1.5}, "span_days"),
        ({"payload_days": 8, "span_days": 7}, "payload_days"),
        ({"spans": 7}, "spans"),
        ([7], None),
    ],
)
def test_what_cannot_be_is_refused_by_name(default_project: Project, sent: Any, field: str | None) -> None:
    answer = with_key(default_project, "admin").put(ADDRESS, sent, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["error"].get("field") == field
    assert retention.of("default") == Retention()
