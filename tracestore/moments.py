"""Times in and out: what callers may write for `since` and `until`, and RFC 3339 with nanoseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from tracestore.errors import InvalidInput

#: The range that the store's DateTime64(9) can compare with; what lies outside means "no bound".
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2262, 1, 1, tzinfo=UTC)

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
RELATIVE = re.compile(r"(?:now-|-)?([0-9]{1,9})([smhdw])")
NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]+)?")
#: An offset whose "+" was sent unescaped and so arrived as a space.
LOST_PLUS = re.compile(r"(T.*) ([0-9]{2}:?[0-9]{2})$")

EXPECTED = (
    "expected RFC 3339 (2026-01-31T12:00:00Z), seconds, milliseconds or nanoseconds since 1970, or a time ago (24h, 7d)"
)


def parse_time(text: str, field: str, *, now: datetime | None = None) -> datetime:
    """A moment as a caller may write it, in UTC.

    A number's unit is told by its size: ten digits are seconds, thirteen milliseconds, sixteen
    microseconds, nineteen nanoseconds. A time without an offset is UTC.

    Raises:
        InvalidInput: it is none of the accepted forms.
    """
    text = text.strip()
    now = now or datetime.now(UTC)
    if text == "now":
        return now
    try:
        if match := RELATIVE.fullmatch(text):
            return bounded(now - timedelta(seconds=int(match[1]) * UNITS[match[2]]))
        if NUMBER.fullmatch(text):
            return bounded(EARLIEST + timedelta(microseconds=epoch_us(text)))
        moment = datetime.fromisoformat(LOST_PLUS.sub(r"\1+\2", text))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return bounded(moment)
    except OverflowError:
        return EARLIEST if RELATIVE.fullmatch(text) else LATEST
    except ValueError:
        raise InvalidInput(f"{field}={text[:100]!r} is not a time: {EXPECTED}.", field=field) from None


def epoch_us(text: str) -> int:
    whole, _, fraction = text.partition(".")
    number = int(whole)
    if number >= 10**17:
        return number // 1000
    if number >= 10**14:
        return number
    if number >= 10**11:
        return number * 1000
    return number * 1_000_000 + int(fraction[:6].ljust(6, "0"))


def bounded(moment: datetime) -> datetime:
    return min(max(moment, EARLIEST), LATEST).astimezone(UTC)


def nanoseconds(at: datetime) -> int:
    """Since 1970, exactly: a float of seconds would lose microseconds."""
    since = at - EARLIEST
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000


def nanoseconds_if(at: datetime | None) -> int:
    """0 for never."""
    return nanoseconds(at) if at else 0


def moment(ns: int) -> datetime:
    """The moment so many nanoseconds after 1970, to the microsecond."""
    return EARLIEST + timedelta(microseconds=ns // 1000)


def utc_text(at: datetime) -> str:
    """RFC 3339 in UTC, with microseconds where there are any."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def utc_text_if(at: datetime | None) -> str | None:
    return None if at is None else utc_text(at)


@lru_cache(maxsize=4096)
def second(seconds: int) -> str:
    # Spans of a trace share few distinct seconds: this is most of the time of writing 10,000 of them.
    return (EARLIEST + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


def rfc3339(nanoseconds: int) -> str:
    """`2026-01-31T12:00:00.000000001Z`: UTC, all nine digits, so that texts sort as times do."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{second(seconds)}.{rest:09d}Z"
