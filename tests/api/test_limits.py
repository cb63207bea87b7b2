"""Limits by the API: read with `read`, changed with `admin`, in the caller's project only."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import with_key
from tracestore import project_limits
from tracestore.models import Project
from tracestore.rates import Rates

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/limits/"


def test_reading(default_project: Project) -> None:
    none = {"spans_per_second": None, "burst": None, "bytes_per_second": None}
    assert with_key(default_project).get(ADDRESS).json() == none


def test_changing_takes_admin_and_touches_one_project(default_project: Project, other_project: Project) -> None:
    project_limits.change("default", {"bytes_per_second": 9})
    sent = {"spans_per_second": 100, "burst": 1000}
    refused = with_key(default_project, "read", "sql", "ingest").patch(ADDRESS, sent, content_type="application/json")
    assert refused.status_code == 403
    assert project_limits.of("default") == Rates(bytes_per_second=9)
    answer = with_key(default_project, "admin").patch(ADDRESS, sent, content_type="application/json")
    assert (answer.status_code, answer.json()) == (200, {**sent, "bytes_per_second": 9})
    assert project_limits.of("default") == Rates(100, 1000, 9)
    assert project_limits.of("other") == Rates()


@pytest.mark.parametrize(
    ("sent", "field"),
    [({"spans_per_second": 0}, "spans_per_second"), ({"burst": 5}, "burst"), ({"x" * 500: 1}, "x" * 100), ([7], None)],
)
def test_what_cannot_be_is_refused_by_name(default_project: Project, sent: Any, field: str | None) -> None:
    answer = with_key(default_project, "admin").patch(ADDRESS, sent, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["error"].get("field") == field
    assert project_limits.of("default") == Rates()
