"""How often one caller may ask the API, and who is not counted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from dashboard.api import request_limit
from dashboard.api.request_limit import BURST_SECONDS, REFUSED, Callers
from tests.api.conftest import with_key
from tracestore.models import Membership, Project

pytestmark = pytest.mark.django_db

RATE = 2
WHO = "/api/v1/projects/current/"


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The limiter's clock, in seconds."""
    at = [0.0]
    monkeypatch.setattr(request_limit, "callers", Callers(lambda: at[0]))
    monkeypatch.setattr(settings, "ENVIRONMENT", replace(settings.ENVIRONMENT, api_requests_per_second=RATE))
    return at


def statuses(browser: Client, number: int, address: str = WHO) -> list[int]:
    return [browser.get(address).status_code for _ in range(number)]


def test_a_key_that_asks_too_often_waits_and_others_do_not(now: list[float], default_project: Project) -> None:
    eager, calm = with_key(default_project), with_key(default_project)
    before = REFUSED.labels("key")._value.get()
    assert statuses(eager, RATE * BURST_SECONDS) == [200] * RATE * BURST_SECONDS
    refused = eager.get(WHO)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "overloaded")
    assert refused["Retry-After"] == "1"
    assert REFUSED.labels("key")._value.get() == before + 1
    assert calm.get(WHO).status_code == 200
    now[0] += 1
    assert statuses(eager, RATE + 1) == [200, 200, 429]
    now[0] += 3600
    assert statuses(eager, RATE * BURST_SECONDS + 1) == [200] * RATE * BURST_SECONDS + [429]


def test_a_person_has_one_limit_in_all_browsers(now: list[float], default_project: Project) -> None:
    user = User.objects.create_user("eager")
    Membership.objects.create(user=user, project=default_project, role=Membership.Role.OWNER)
    browsers = [Client(), Client()]
    for browser in browsers:
        browser.force_login(user)
    found = [browser.get(WHO).status_code for _ in range(5) for browser in browsers]
    assert found == [200] * 8 + [429, 429]


def test_verdicts_and_this_machine_are_not_counted(now: list[float], default_project: Project) -> None:
    key = with_key(default_project)
    statuses(key, RATE * BURST_SECONDS + 1)
    assert key.get("/api/v1/verdict/").status_code == 400
    assert statuses(Client(), 20) == [200] * 20


def test_no_limit_and_no_end_of_callers(
    now: list[float], default_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_limit, "MOST_KEPT", 3)
    callers = Callers(lambda: now[0])
    assert [callers.take(("key", str(number)), RATE) for number in range(10)] == [0.0] * 10
    assert len(callers._buckets) <= 3
    monkeypatch.setattr(settings, "ENVIRONMENT", replace(settings.ENVIRONMENT, api_requests_per_second=0))
    assert statuses(with_key(default_project), 20) == [200] * 20
