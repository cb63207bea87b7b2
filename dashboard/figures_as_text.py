"""Figures as people read them: durations, tokens, costs, sizes, moments.

Pure. `static/dashboard/js/format.js` says the same in the browser; both are held to
`tests/js/format_cases.json`.
"""

from __future__ import annotations

from datetime import UTC, datetime

UNKNOWN = "unknown"


def significant(value: float, digits: int = 3) -> str:
    """`digits` significant digits without an exponent, trailing zeros kept: 1.42, 14.2, 142."""
    whole = len(str(int(abs(value))))
    return f"{value:.{max(digits - whole, 0)}f}"


def duration(nanoseconds: int) -> str:
    """`850 µs`, `1.42 s`, `2 m 05 s`, `3 h 12 m`."""
    if nanoseconds <= 0:
        return "0 ms"
    seconds = nanoseconds / 1e9
    if seconds < 0.0009995:
        return f"{max(round(nanoseconds / 1e3), 1)} µs"
    if seconds < 0.9995:
        return f"{significant(seconds * 1e3)} ms"
    if seconds < 59.95:
        return f"{significant(seconds)} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    if whole < 86400 * 2:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} m"
    return f"{whole // 86400} d {whole % 86400 // 3600:02d} h"


def tokens(count: int) -> str:
    """`0`, `950`, `12.4 k`, `3.21 M`."""
    for unit, size in (("M", 1_000_000), ("k", 1_000)):
        if count >= size * 0.99995 and count >= 1000:
            return f"{significant(count / size)} {unit}"
    return str(count)


def cost(dollars: float | None) -> str:
    """Four significant digits (`$0.0312`, `$1.250`); None is `unknown`, never `$0`."""
    if dollars is None:
        return UNKNOWN
    if dollars == 0:
        return "$0"
    if dollars >= 1000:
        return f"${dollars:,.0f}"
    if dollars >= 1:
        return f"${significant(dollars, 4)}"
    # Below a dollar: leading zeros are not significant, trailing ones say nothing.
    places = 4
    while places < 12 and dollars * 10**places < 999.5:
        places += 1
    text = f"{dollars:.{places}f}".rstrip("0")
    return f"${text}" if text not in ("0.", "0") else "< $0.000000000001"


def size(count: int) -> str:
    """Bytes or characters: `950 B`, `12.4 kB`, `3.21 MB`."""
    for unit, least in (("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)):
        if count >= least:
            return f"{significant(count / least)} {unit}"
    return f"{count} B"


def moment(nanoseconds: int) -> str:
    """The exact time: `2026-11-21 08:15:02.123456 UTC`."""
    try:
        at = datetime.fromtimestamp(nanoseconds // 1_000_000_000, UTC)
    except (OverflowError, ValueError, OSError):
        return f"{nanoseconds} ns since 1970"
    return f"{at:%Y-%m-%d %H:%M:%S}.{nanoseconds % 1_000_000_000 // 1000:06d} UTC"


def ago(nanoseconds: int, now_ns: int) -> str:
    """`just now`, `42 s ago`, `3 m ago`, `5 h ago`, `2 d ago`; `in 5 m` for clocks that run ahead."""
    seconds = round((now_ns - nanoseconds) / 1e9)
    distance = abs(seconds)
    if distance < 5:
        return "just now"
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if distance >= length:
            text = f"{distance // length} {unit}"
            break
    return f"{text} ago" if seconds > 0 else f"in {text}"
