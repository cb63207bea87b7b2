"""A soak must be judged rightly: what grows is seen through noise, and each broken promise fails its check."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import soak
from benchmarks.soaking import judging
from benchmarks.soaking.judging import MIB, Counted, Limits
from benchmarks.soaking.sampling import log_troubles

GOOD = Counted(
    sent=1024, acknowledged=1024, given_up_requests=0,
    ledger={"received": 1536, "stored": 1024, "deduplicated": 0, "rejected": 0, "refused": 512},
    missing=0, doubled=0, log_errors=0, restarts=0, jobs_failed=0,
)  # fmt: skip
ANSWERS = {"page overview": {"count": 10, "errors": 0, "p50_ms": 1.0, "p95_ms": 2.0, "most_ms": 3.0}}


def samples(hourly_mib: float = 0.0, lag: float = 1.0, minutes: float = 30) -> list[dict[str, Any]]:
    """One every 10 s: memory grows fast at first, then by so many MiB an hour, with noise and a few peaks."""
    chance = random.Random(7)
    found = []
    for at in range(0, int(minutes * 60) + 1, 10):
        memory = 900 + min(at, 400) + hourly_mib * at / 3600 + chance.gauss(0, 12)
        if chance.random() < 0.15:
            memory += 600  # a merge, or a large answer
        found.append(
            {
                "at": float(at),
                "memory": memory * MIB,
                "memory_engine": memory * MIB / 2,
                "settling": lag,
                "detection": lag,
            }
        )
    return found


def failed(*arguments: Any, limits: Limits | None = None) -> list[str]:
    return [one.name for one in judging.checks(*arguments, limits or Limits()) if not one.passed]


def test_a_good_soak_passes_everything() -> None:
    assert failed(samples(), ANSWERS, GOOD) == []


@pytest.mark.parametrize("hourly", [0, 250, 900])
def test_the_slope_is_seen_through_noise_peaks_and_the_start(hourly: float) -> None:
    found = judging.memory(samples(hourly))["all"]["slope"]
    assert abs(found - hourly) < 75
    assert failed(samples(hourly), ANSWERS, GOOD) == (["memory is flat (second half)"] if hourly > 200 else [])


def test_memory_of_a_try_is_told_and_not_judged() -> None:
    found = judging.checks(samples(900, minutes=2), ANSWERS, GOOD, Limits())[0]
    assert found.passed
    assert "not judged" in found.said


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"acknowledged": 512}, "everything sent was acknowledged"),
        ({"given_up_requests": 1}, "everything sent was acknowledged"),
        ({"missing": 1}, "the store holds what was acknowledged, once"),
        ({"doubled": 1}, "the store holds what was acknowledged, once"),
        ({"ledger": {**GOOD.ledger, "stored": 1023}}, "the ledger balances"),
        ({"ledger": {**GOOD.ledger, "received": 1537, "rejected": 1}}, "the ledger balances"),
        ({"log_errors": 1}, "no error in the logs"),
        ({"restarts": 1}, "no process was started again"),
        ({"jobs_failed": 1}, "no job failed"),
    ],
)
def test_each_broken_promise_fails_its_check(change: dict[str, Any], check: str) -> None:
    assert failed(samples(), ANSWERS, replace(GOOD, **change)) == [check]


def test_lags_and_unanswered_pages_fail() -> None:
    assert failed(samples(lag=61.0), ANSWERS, GOOD) == ["settling lag is bounded", "detection lag is bounded"]
    broken = {"page overview": {**ANSWERS["page overview"], "errors": 1}}
    assert failed(samples(), broken, GOOD) == ["every page and question was answered"]


def test_nothing_seen_is_no_success() -> None:
    unseen = [{"at": one["at"], "memory": one["memory"]} for one in samples()]
    assert failed(unseen, {}, GOOD) == [
        "settling lag is bounded", "detection lag is bounded", "every page and question was answered",
    ]  # fmt: skip


def test_errors_in_logs_are_told_by_process_and_event(tmp_path: Path) -> None:
    (tmp_path / "worker.log").write_text(
        '{"event": "looked", "level": "info"}\n{"event": "broke", "level": "error"}\n'
        '{"event": "broke", "level": "error"}\n'
        "Traceback (most recent call last):\n"
    )
    (tmp_path / "web.log.1").write_text("ERROR: no\nall is well\n")
    assert log_troubles(tmp_path) == {
        "worker: broke": 2, "worker: Traceback (most recent call last):": 1, "web: ERROR: no": 1,
    }  # fmt: skip


def test_the_table_names_what_fails() -> None:
    found = {
        "minutes": 30.0, "rate": 1900.0, "rate_from": "half", "machine": "2 cores", "figures": {"spans sent": "1"},
        "checks": [{"name": "memory is flat", "passed": False, "said": "+900 MiB an hour"}],
        "answers": ANSWERS, "memory": judging.memory(samples()),
    }  # fmt: skip
    table = judging.markdown(found)
    assert "| memory is flat | **fails** | +900 MiB an hour |" in table
    assert "| engine |" in table


def test_the_limits_of_the_command_line_are_those_of_the_checks() -> None:
    options = soak.arguments().parse_args([])
    assert Limits(options.memory_slope, options.lag) == Limits()
    assert options.minutes == 30
    assert options.rate is None
