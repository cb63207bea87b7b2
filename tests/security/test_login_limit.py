"""B19, guessing passwords."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from dashboard.login_limit import MOST_FROM_ONE, MOST_OF_A_NAME, WINDOW_SECONDS, Failures
from tracestore.models import AuditEntry, LoginFailure

pytestmark = pytest.mark.django_db
GOOD = {"username": "ada", "password": "engine-of-1843"}
BAD = GOOD | {"password": "wrong"}


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada", password="engine-of-1843")


def test_after_so_many_failures_even_the_right_password_waits(ada: User) -> None:
    browser = Client()
    for _ in range(MOST_FROM_ONE):
        assert browser.post("/login/", BAD).status_code == 401
    refused = [browser.post("/login/", sent) for sent in (BAD, GOOD, GOOD | {"username": "ADA"})]
    assert {one.status_code for one in refused} == {429}, "the same for both, or it would tell which is right"
    assert 0 < int(refused[0]["Retry-After"]) <= WINDOW_SECONDS
    assert b"Too many wrong passwords" in refused[0].content
    assert Client(REMOTE_ADDR="192.0.2.9").post("/login/", GOOD).status_code == 302, "the owner elsewhere gets in"


def test_names_that_do_not_exist_are_counted_alike(ada: User) -> None:
    browser = Client()
    codes = {name: [browser.post("/login/", BAD | {"username": name}).status_code for _ in range(MOST_FROM_ONE + 1)]
             for name in ("ada", "nobody")}  # fmt: skip
    assert codes["ada"] == codes["nobody"]
    assert codes["ada"][-1] == 429


def test_the_right_password_starts_anew(ada: User) -> None:
    for _ in range(3):
        for _ in range(MOST_FROM_ONE - 1):
            assert Client().post("/login/", BAD).status_code == 401
        assert Client().post("/login/", GOOD).status_code == 302


def test_from_many_addresses_a_name_waits_too_and_time_heals() -> None:
    now = [datetime(2026, 11, 26, tzinfo=UTC)]
    made = Failures(lambda: now[0])
    for number in range(MOST_OF_A_NAME):
        assert made.wait("ada", f"192.0.2.{number}") == 0
        made.note("ada", f"192.0.2.{number}")
        now[0] += timedelta(seconds=1)
    assert made.wait("ada", "198.51.100.1") == WINDOW_SECONDS - MOST_OF_A_NAME
    now[0] += timedelta(seconds=WINDOW_SECONDS)
    assert made.wait("ada", "198.51.100.1") == 0


def test_another_process_counts_with_this_one() -> None:
    for _ in range(MOST_FROM_ONE):
        Failures().note("ada", "192.0.2.1")
    assert Failures().wait("ada", "192.0.2.1") > 0


def test_guessing_names_fills_no_table() -> None:
    now = [datetime(2026, 11, 26, tzinfo=UTC)]
    made = Failures(lambda: now[0])
    for number in range(100):
        made.note(f"name {number}", "192.0.2.1")
        now[0] += timedelta(seconds=30)
    assert LoginFailure.objects.count() == 10


def test_each_is_in_the_audit_log(ada: User) -> None:
    browser = Client(REMOTE_ADDR="192.0.2.7")
    browser.post("/login/", BAD | {"username": "x" * 500})
    browser.post("/login/", BAD)
    browser.post("/login/", GOOD)
    browser.post("/logout/")
    found = AuditEntry.objects.order_by("pk").values_list("action", "actor", "subject", "address")
    assert list(found) == [
        ("login.failed", "unknown", "x" * 100, "192.0.2.7"),
        ("login.failed", "unknown", "ada", "192.0.2.7"),
        ("login", "ada", "ada", "192.0.2.7"),
        ("logout", "ada", "ada", "192.0.2.7"),
    ]
    assert "wrong" not in str(list(AuditEntry.objects.values()))
    assert GOOD["password"] not in str(list(AuditEntry.objects.values()))
