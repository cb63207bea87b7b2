"""How the token counts of a span came about, in words: which rule read them, from what, and what it left.

Works on what is stored, when somebody asks. The rules and where they read are `semconv/rules.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from tracestore.spans.model import Value
from tracestore.spans.semconv import rules
from tracestore.spans.semconv.places import at, document
from tracestore.spans.semconv.reported import ATTRIBUTES as COSTS
from tracestore.spans.semconv.values import count

CALLS: Final = ("llm", "embedding")

_NAMES: Final = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cache_read_tokens": "cache read",
    "cache_write_tokens": "cache write",
    "reasoning_tokens": "reasoning",
}


class Summed(Protocol):
    """The columns that the explanation of sums over spans needs."""

    @property
    def type(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def request_model(self) -> str: ...
    @property
    def usage_rule(self) -> str: ...
    @property
    def cost_usd(self) -> float | None: ...
    @property
    def price_source(self) -> str: ...
    @property
    def dropped_attributes(self) -> int: ...


class Figures(Summed, Protocol):
    """The columns that are explained of one span; a row of the `spans` view has them."""

    @property
    def provider(self) -> str: ...
    @property
    def start_ns(self) -> int: ...
    @property
    def input_tokens(self) -> int: ...
    @property
    def output_tokens(self) -> int: ...
    @property
    def cache_read_tokens(self) -> int: ...
    @property
    def cache_write_tokens(self) -> int: ...
    @property
    def reasoning_tokens(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Read:
    """What a figure was read from, with its value as received: an attribute, or what stands at `key` inside it.

    A figure that was added up from several has one of these for each.
    """

    figure: str
    attribute: str
    value: Value
    key: str = ""


@dataclass(frozen=True, slots=True)
class Ignored:
    """A count of tokens that no figure was read from, and why; `key` as in `Read`."""

    attribute: str
    value: Value
    why: str
    key: str = ""


@dataclass(slots=True)
class Tokens:
    rule: str
    words: str
    read: list[Read] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def tokens(row: Figures, attributes: Mapping[str, Value]) -> Tokens:
    """Which attributes the token counts are from, and what was made of them."""
    if row.type not in CALLS or not row.usage_rule:
        return _no_tokens(row, attributes)
    found = Tokens(row.usage_rule, rules.words(row.usage_rule))
    if rules.in_events(row.usage_rule):
        found.notes = ["read from an event of this span, its attributes have none", *_parts_of_tokens(row)]
        return found
    found.read = _read(row.usage_rule, attributes)
    used = {(read.attribute, read.key) for read in found.read}
    counted = {count(read.value): read for read in found.read}
    for name, key, value in (*_token_attributes(attributes), *_rest_of_documents(found.read, attributes)):
        if (name, key) not in used:
            same = counted.get(count(value))
            why = f"the same number as {same.key or same.attribute}" if same else "not one of the figures of this rule"
            summed = (key or name).lower().removesuffix("_tokens").removesuffix("tokens").endswith("total")
            found.ignored.append(Ignored(name, value, "a sum of the others" if summed else why, key))
    found.notes = [*_parts_of_tokens(row), *_differences(row, found)]
    if row.dropped_attributes:
        found.notes.append(f"The sender dropped {row.dropped_attributes:,} attributes: figures may be missing.")
    return found


def _no_tokens(row: Figures, attributes: Mapping[str, Value]) -> Tokens:
    why = "not read" if row.type in CALLS else "counted on the spans that made the calls"
    ignored = [Ignored(name, value, why) for name, _, value in _token_attributes(attributes)]
    if row.type in CALLS:
        words = "The sender reported no tokens for this call."
    elif ignored:
        words = f"Nothing is counted here: on a span of type {row.type} such numbers repeat those of its model calls."
    else:
        words = "This span made no model call, so it has no tokens."
    return Tokens("", words, ignored=ignored)


def _read(rule: str, attributes: Mapping[str, Value]) -> list[Read]:
    """What the rule's reader takes from these attributes, by the places that both share."""
    known = rules.RULES.get(rules.base(rule), rules.RULES["genai"])
    for sources in known.sources:
        found: dict[str, list[Read]] = {}
        for source in sources:
            holder = _holder(attributes, source.attribute, source.inside) if source.attribute else attributes
            for figure, keys in source.find(holder).items():
                if keys and figure not in found:
                    found[figure] = [_of(figure, source, key, holder) for key in keys]
        if "input_tokens" in found or "output_tokens" in found:
            return [read for figure in _NAMES for read in found.get(figure, ())]
    return []


def _holder(attributes: Mapping[str, Value], attribute: str, inside: str) -> dict[str, Any]:
    """The object inside an attribute, {} when it holds none."""
    found = at(document(attributes.get(attribute), python=True), inside)
    return found if isinstance(found, dict) else {}


def _of(figure: str, source: rules.Source, key: str, holder: Mapping[str, Any]) -> Read:
    if not source.attribute:
        return Read(figure, key, holder[key])
    path = f"{source.inside}.{key}" if source.inside else key
    return Read(figure, source.attribute, at(holder, key), path)


def _token_attributes(attributes: Mapping[str, Value]) -> Iterable[tuple[str, str, Value]]:
    """Attributes that look like counts of tokens, as (attribute, '', value)."""
    for name, value in attributes.items():
        if _is_number(value) and name not in COSTS:
            lowered = name.lower()
            if "usage" in lowered or "token_count" in lowered or lowered.endswith("_tokens"):
                yield name, "", value


def _rest_of_documents(read: Iterable[Read], attributes: Mapping[str, Value]) -> Iterable[tuple[str, str, Value]]:
    """The other numbers that stand beside what was read inside an attribute."""
    beside = {(one.attribute, one.key.rpartition(".")[0]): None for one in read if one.key}
    for attribute, inside in beside:
        for key, value in _holder(attributes, attribute, inside).items():
            if _is_number(value):
                yield attribute, f"{inside}.{key}" if inside else key, value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _parts_of_tokens(row: Figures) -> Iterable[str]:
    rule = row.usage_rule
    cached = row.cache_read_tokens + row.cache_write_tokens
    if cached:
        parts = [
            f"{number:,} {words}"
            for number, words in ((row.cache_read_tokens, "read"), (row.cache_write_tokens, "written"))
            if number
        ]
        detail = f"input includes {cached:,} cached tokens ({', '.join(parts)})"
        yield f"{detail}, which were added to what the sender calls input" if "+cached" in rule else detail
    if row.reasoning_tokens:
        detail = f"output includes {row.reasoning_tokens:,} reasoning tokens"
        if "+reasoning" in rule:
            yield f"{detail}, which were added to what the sender calls output"
        elif "-reasoning" in rule:
            yield f"{detail}; they were on top of output once more: taken off"
        else:
            yield detail


def _differences(row: Figures, found: Tokens) -> Iterable[str]:
    """Figures that the attributes of this span alone do not give."""
    given: dict[str, int] = {}
    for read in found.read:
        given[read.figure] = given.get(read.figure, 0) + (count(read.value) or 0)
    expected = {figure: given.get(figure, 0) for figure in _NAMES}
    if "+cached" in row.usage_rule:
        expected["input_tokens"] += expected["cache_read_tokens"] + expected["cache_write_tokens"]
    if "+reasoning" in row.usage_rule:
        expected["output_tokens"] += expected["reasoning_tokens"]
    if "-reasoning" in row.usage_rule:
        expected["output_tokens"] -= expected["reasoning_tokens"]
    for figure, words in _NAMES.items():
        stored = getattr(row, figure)
        if stored == expected[figure]:
            continue
        if figure not in given and figure in ("cache_read_tokens", "reasoning_tokens"):
            yield f"{words}: {stored:,}, read from the answer itself"
        else:
            yield (
                f"{words}: {stored:,}, where the attributes of this span give {expected[figure]:,}: "
                "taken from another span that reports the same call"
            )
