"""Whether a condition can be evaluated: beyond its form, what is named in it has to be there and make sense."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final, get_args

import msgspec

from tracestore import detector_settings
from tracestore.alerts.conditions import condition as conditions
from tracestore.alerts.conditions.condition import Condition, FindingsCondition, MetricCondition, SearchCondition
from tracestore.errors import InvalidInput
from tracestore.models import SavedView
from tracestore.search.parser import parse as parse_search

SEVERITIES: Final = get_args(conditions.Severity)
#: Shares of 1: nothing can be above it.
SHARES: Final = frozenset({"error_rate", "tool_error_rate", "llm_error_rate"})
#: Fields of conditions that are one of a few words.
CHOICES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "findings": {"min_severity": SEVERITIES},
    "metric": {"metric": get_args(conditions.Metric), "compare": get_args(conditions.Comparison)},
    "search": {"compare": ("above", "below")},
}
DIMENSIONS: Final[Mapping[str, tuple[str, ...]]] = {"metric": get_args(conditions.Dimension), "search": ("agent",)}
#: What the database or a message on one line could not hold.
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def condition_of(project: str, kind: str, sent: object) -> Condition:
    """A condition that can be evaluated in this project.

    Raises:
        InvalidInput: names the field.
    """
    if not isinstance(sent, Mapping):
        raise InvalidInput("condition: expected an object with the condition's fields.", field="condition")
    possible = conditions.KINDS[kind].__struct_fields__
    for name in sent:
        if name not in possible:
            raise _wrong(
                str(name)[:100], f"there is no such field of a {kind} condition: expected some of {', '.join(possible)}"
            )
    _named(kind, sent)
    found = conditions.parse(kind, sent)
    _no_control(as_stored(found), "condition")
    match found:
        case FindingsCondition():
            known = tuple(detector_settings.by_id())
            for name in found.detectors:
                if name not in known:
                    raise _wrong("detectors", f"{name!r} is no detector: expected some of {', '.join(known)}")
            if any(not name.strip() for name in found.agents):
                raise _wrong("agents", "expected names of agents, none empty")
            _finite("min_wasted_usd", found.min_wasted_usd)
        case MetricCondition():
            _metric(found)
        case SearchCondition():
            _search(project, found)
    return found


def as_stored(condition: Condition) -> dict[str, Any]:
    """All fields, as the database gives them back: lists, not tuples."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(condition))
    return found


def _named(kind: str, sent: Mapping[Any, Any]) -> None:
    """Closed lists, with all that is possible in the message."""
    for field, possible in CHOICES[kind].items():
        if field in sent and sent[field] not in possible:
            raise _wrong(field, f"{str(sent[field])[:100]!r}: expected one of {', '.join(possible)}")
    if (dimensions := DIMENSIONS.get(kind)) is None:
        return
    for field in ("by", "only"):
        value = sent.get(field)
        for name in value if isinstance(value, list | tuple | Mapping) else ():
            if name not in dimensions and (field == "by" or kind == "metric"):
                raise _wrong(field, f"{str(name)[:100]!r} is no dimension: expected some of {', '.join(dimensions)}")


def _no_control(value: object, field: str) -> None:
    """What the database or a message on one line could not hold."""
    if isinstance(value, str) and CONTROL.search(value):
        raise InvalidInput(f"{field.replace('.', ': ', 1)}: expected a text on one line.", field=field)
    if isinstance(value, Mapping):
        for name, one in value.items():
            _no_control(one, f"{field}.{name}")
    elif isinstance(value, list | tuple):
        for one in value:
            _no_control(one, field)


def _metric(one: MetricCondition) -> None:
    _finite("threshold", one.threshold)
    if len(set(one.by)) < len(one.by):
        raise _wrong("by", "a dimension is named twice")
    if any(not value.strip() for value in one.only.values()):
        raise _wrong("only", "expected a value for each dimension")
    if one.compare == "absent":
        if one.clear is not None:
            raise _wrong("clear", "expected none: what was absent is over when it is there again")
        return
    if one.threshold < 0 or (one.threshold == 0 and one.compare not in ("above", "below")):
        raise _wrong("threshold", "expected a number above 0")
    if one.compare == "burn_rate":
        if one.metric not in SHARES:
            raise _wrong("metric", f"a burn rate is of errors: expected one of {', '.join(sorted(SHARES))}")
        if not one.threshold < 1:
            raise _wrong(
                "threshold", "a burn rate's threshold is the share of errors that is allowed: expected below 1"
            )
        if one.clear is not None:
            raise _wrong("clear", "expected none: a burn rate is over when the short window is calm")
        return
    if one.compare == "change_below" and one.threshold >= 1:
        raise _wrong("threshold", "nothing can fall by more than all: expected below 1, as 0.5 for half")
    if one.metric in SHARES and not one.compare.startswith("change") and one.threshold > 1:
        raise _wrong("threshold", f"{one.metric} is a share: expected 0 to 1, as 0.3 for 30 %")
    _clear(one.compare, one.threshold, one.clear)


def _search(project: str, one: SearchCondition) -> None:
    _finite("threshold", one.threshold)
    _clear(one.compare, one.threshold, one.clear)
    if one.view is not None:
        if one.query:
            raise _wrong("query", "expected either a search or a saved view, not both")
        if not shared_views(project).filter(pk=one.view).exists():
            raise _wrong("view", f"{one.view} is no saved view that the project shares")
    try:
        parse_search(one.query)
    except InvalidInput as error:
        raise InvalidInput(
            f"condition: query: {error.message}", field="condition.query", offset=error.offset
        ) from error


def shared_views(project: str) -> Any:
    """Saved views that a rule may follow: one's own are nobody else's."""
    return SavedView.objects.filter(project__slug=project, shared=True, deleted_at=None)


def _clear(compare: str, threshold: float, clear: float | None) -> None:
    if clear is None:
        return
    _finite("clear", clear)
    # A fall is a positive share too: over a fall of half one is over at a smaller fall.
    if compare != "below" and clear > threshold:
        raise _wrong("clear", f"expected at most the threshold ({threshold:g})")
    if compare == "below" and clear < threshold:
        raise _wrong("clear", f"expected at least the threshold ({threshold:g})")


def _finite(field: str, value: float) -> None:
    if not math.isfinite(value):
        raise _wrong(field, "expected a number")


def _wrong(field: str, expected: str) -> InvalidInput:
    return InvalidInput(f"condition: {field}: {expected}.", field=f"condition.{field}")
