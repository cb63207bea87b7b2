"""What a request asks for, in the words of Jaeger's two query APIs → `TraceSearch` and plain values.

The names, units and defaults are Jaeger's (its query service's parsers of the v2 and v3 JSON API). A
value that cannot be used is refused by the parameter's name.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Final, TypeVar

import msgspec
from django.http import QueryDict

from dashboard.api.filters import whole_number
from dashboard.api.times import EARLIEST, parse_time
from tracestore.clickhouse.jaeger_search import TagValue, TraceSearch
from tracestore.errors import InvalidInput
from tracestore.spans.model import SPAN_KINDS

T = TypeVar("T")

#: Traces of one answer when the request does not say, and at most (the most that Jaeger UI offers).
DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1500
MAX_TRACE_IDS: Final = 500
#: Each costs a look into every place that holds attributes.
MAX_TAGS: Final = 32
#: Longer than any name or sensible value.
MAX_TEXT: Final = 2000
#: How far a search without a start looks back, as Jaeger's does.
LOOKBACK_NS: Final = 2 * 86_400 * 10**9
DEPENDENCIES_LOOKBACK_NS: Final = 86_400 * 10**9
#: The last moment that the store can compare with (DateTime64(9)).
LATEST_NS: Final = 2**63 - 1

_UNITS: Final = {
    "ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9,
}  # fmt: skip
_DURATION_PART: Final = re.compile(r"(\d{1,18}(?:\.\d{0,18})?|\.\d{1,18})(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_LOOKBACK: Final = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_LOOKBACK_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_WHOLE: Final = re.compile(r"-?\d{1,19}", re.ASCII)
_TRACE_ID: Final = re.compile(r"[0-9a-f]{1,32}")


def trace_search(params: QueryDict) -> TraceSearch:
    """The search of v2's `/api/traces`: times in microseconds, tags as `tag=key:value` or `tags={json}`.

    Raises:
        InvalidInput: a parameter has a bad value; names it and says what is expected.
    """
    end_ns = epoch(params, "end", 1000, now())
    start_ns = epoch(params, "start", 1000, None)
    if start_ns is None:
        start_ns = max(0, end_ns - lookback(params))
    tags: dict[str, TagValue] = {}
    for pair in params.getlist("tag"):
        key, colon, value = pair.partition(":")
        if not colon or not key:
            raise InvalidInput(f"tag={pair[:100]!r} is not possible: expected key:value.", field="tag")
        tags[key] = value
    for text in params.getlist("tags"):
        tags |= tags_of_json(text, "tags")
    limit = whole_number(params, "limit", DEFAULT_LIMIT, MAX_LIMIT)
    return search(
        params, ("service", "operation", "tags", "start", "minDuration", "maxDuration"), start_ns, end_ns, tags, limit
    )


def trace_search_v3(params: QueryDict) -> TraceSearch:
    """The search of v3's `/api/v3/traces`: `query.serviceName` or the older `query.service_name`, times in RFC 3339.

    Raises:
        InvalidInput: as `trace_search`.
    """
    end_ns = moment(params, either(params, "query.startTimeMax", "query.start_time_max"), now)
    start_ns = moment(
        params, either(params, "query.startTimeMin", "query.start_time_min"), lambda: max(0, end_ns - LOOKBACK_NS)
    )
    depth = either(params, "query.searchDepth", "query.search_depth", "query.num_traces")
    names = (
        either(params, "query.serviceName", "query.service_name"),
        either(params, "query.operationName", "query.operation_name"),
        "query.attributes",
        "query.startTimeMin",
        either(params, "query.durationMin", "query.duration_min"),
        either(params, "query.durationMax", "query.duration_max"),
    )
    tags = tags_of_json(params.get("query.attributes", ""), "query.attributes")
    return search(params, names, start_ns, end_ns, tags, whole_number(params, depth, DEFAULT_LIMIT, MAX_LIMIT))


def search(
    params: QueryDict,
    names: tuple[str, str, str, str, str, str],
    start_ns: int,
    end_ns: int,
    tags: dict[str, TagValue],
    limit: int,
) -> TraceSearch:
    """A search from what both APIs have in common; `names` are those of its parameters."""
    service, operation, tags_name, start, least, most = names
    if start_ns > end_ns:
        raise InvalidInput(f"{start} is later than the end: expected an earlier time.", field=start)
    if len(tags) > MAX_TAGS:
        raise InvalidInput(f"{tags_name} has too many tags: at most {MAX_TAGS}.", field=tags_name)
    if any(len(key) > MAX_TEXT or len(str(value)) > MAX_TEXT for key, value in tags.items()):
        raise InvalidInput(f"{tags_name} has a tag that is too long: at most {MAX_TEXT} characters.", field=tags_name)
    shortest, longest = duration(params, least), duration(params, most)
    if shortest is not None and longest is not None and shortest > longest:
        raise InvalidInput(f"{most} is shorter than {least}: expected a longer duration.", field=most)
    return TraceSearch(
        start_ns=start_ns,
        end_ns=end_ns,
        service=text(params, service),
        operation=text(params, operation),
        tags=tags,
        min_duration_ns=shortest,
        max_duration_ns=longest,
        limit=limit,
    )


def trace_ids(params: QueryDict) -> list[str]:
    """The ids of `traceID=…&traceID=…`, none when it is not sent.

    Raises:
        InvalidInput: one is not an id, or they are too many.
    """
    ids = params.getlist("traceID")
    if len(ids) > MAX_TRACE_IDS:
        raise InvalidInput(f"traceID is given too often: at most {MAX_TRACE_IDS} times.", field="traceID")
    return [trace_id(one) for one in ids]


def trace_id(given: str) -> str:
    """A trace id as stored. Jaeger leaves leading zeros out, so fewer than 32 digits are an id too.

    Raises:
        InvalidInput: it is not hexadecimal, or too long.
    """
    lower = given.strip().lower()
    if not _TRACE_ID.fullmatch(lower):
        raise InvalidInput(
            f"traceID={given[:100]!r} is not a trace id: expected up to 32 hexadecimal digits.", field="traceID"
        )
    return lower.rjust(32, "0")


def dependencies_range(params: QueryDict) -> tuple[int, int]:
    """`endTs` and `lookback`, both in milliseconds → the range in nanoseconds."""
    end_ns = epoch(params, "endTs", 10**6, now())
    back = epoch(params, "lookback", 10**6, DEPENDENCIES_LOOKBACK_NS)
    return max(0, end_ns - back), end_ns


def required_service(params: QueryDict) -> str:
    service = text(params, "service")
    if not service:
        raise InvalidInput("service is missing: expected the name of a service.", field="service")
    return service


def span_kind(params: QueryDict) -> str:
    """The kind of `spanKind` (older v3 clients: `span_kind`), '' for any."""
    name = either(params, "spanKind", "span_kind")
    kind = text(params, name).lower()
    if kind and kind not in SPAN_KINDS:
        raise InvalidInput(f"{name}={kind[:100]!r} is not known: expected one of {', '.join(SPAN_KINDS)}.", field=name)
    return kind


def either(params: QueryDict, *names: str) -> str:
    """The first of the names that was sent with a value, else the first."""
    return next((name for name in names if params.get(name)), names[0])


def text(params: QueryDict, name: str) -> str:
    found: str = params.get(name, "")
    if len(found) > MAX_TEXT:
        raise InvalidInput(f"{name} is too long: at most {MAX_TEXT} characters.", field=name)
    return found


def tags_of_json(given: str, name: str) -> dict[str, TagValue]:
    """The tags of a JSON object. Values keep their JSON type: `"123"` is the text, `123` the number."""
    if not given:
        return {}
    try:
        return msgspec.json.decode(given, type=dict[str, str | bool | int | float])
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise InvalidInput(
            f"{name} cannot be read: expected a JSON object of texts, numbers and true or false.", field=name
        ) from None


def epoch(params: QueryDict, name: str, unit_ns: int, default: T) -> int | T:
    """A count of units (since 1970, or of a length) in nanoseconds, kept in the range of the store."""
    given = params.get(name, "").strip()
    if not given:
        return default
    if not _WHOLE.fullmatch(given):
        unit = {1000: "microseconds", 10**6: "milliseconds"}[unit_ns]
        raise InvalidInput(f"{name}={given[:100]!r} is not possible: expected a whole number of {unit}.", field=name)
    return min(max(int(given) * unit_ns, 0), LATEST_NS)


def moment(params: QueryDict, name: str, default: Callable[[], int]) -> int:
    given = params.get(name, "")
    if not given:
        return default()
    since = parse_time(given, name) - EARLIEST
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000


def lookback(params: QueryDict) -> int:
    """`lookback` in nanoseconds: `1h`, `2d`. `custom` is what Jaeger UI sends beside `start` and `end`."""
    given = params.get("lookback", "").strip()
    if given in ("", "custom"):
        return LOOKBACK_NS
    match = _LOOKBACK.fullmatch(given)
    if match is None:
        raise InvalidInput(
            f"lookback={given[:100]!r} is not possible: expected a number and s, m, h, d or w, as 2d.", field="lookback"
        )
    return int(match[1]) * _LOOKBACK_UNITS[match[2]] * 10**9


def duration(params: QueryDict, name: str) -> int | None:
    """A duration as Go writes it (`1.5s`, `100ms`, `1h30m`) in nanoseconds, None when it is not sent."""
    given = params.get(name, "").strip()
    if not given:
        return None
    if given == "0":
        return 0
    total, at = Decimal(0), 0
    for match in _DURATION_PART.finditer(given):
        if match.start() != at:
            break
        total += Decimal(match[1]) * _UNITS[match[2]]
        at = match.end()
    if at != len(given):
        raise InvalidInput(
            f"{name}={given[:100]!r} is not a duration: expected a number and ns, us, ms, s, m or h, as 1.5s.",
            field=name,
        )
    return min(int(total), LATEST_NS)


def now() -> int:
    return time.time_ns()
