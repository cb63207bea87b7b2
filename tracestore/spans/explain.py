"""How the figures of a span came about, in words: which rule read the tokens, which price made the cost.

Works on what is stored (columns and attributes) and is calculated when somebody asks. A figure is
never explained by what it should be: where the attributes or the prices of now give something else
than what is stored, the explanation says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from tracestore.spans import pricing
from tracestore.spans.model import Value
from tracestore.spans.own_prices import Overrides
from tracestore.spans.pricing import REPORTED, TABLE, Price
from tracestore.spans.semconv import usage
from tracestore.spans.semconv.reported import ATTRIBUTES as REPORTED_COSTS
from tracestore.spans.semconv.values import count, text

CALLS: Final = ("llm", "embedding")

#: What each rule's name says. A name is one of these and after it none or more of `AMENDMENTS`.
RULES: Final[Mapping[str, str]] = {
    "openinference": "OpenInference's token counts (llm.token_count.*).",
    "genai": "OpenTelemetry GenAI's usage attributes (gen_ai.usage.*).",
    "anthropic-sdk": "What Anthropic's SDK itself reported, which sees the numbers on the wire.",
    "openllmetry": "OpenLLMetry's usage attributes (gen_ai.usage.*).",
}

#: What was done to the figures of a rule, by the end of its name.
AMENDMENTS: Final[Mapping[str, str]] = {
    "-legacy": "They came under their old names (prompt_tokens, completion_tokens).",
    "+cached": "The sender left cached tokens out of the input, so they were added to it.",
    "+reasoning": "The sender counted reasoning beside the output, so it was added to it.",
    "-reasoning": "The sender had added reasoning to an output that held it already, so it was taken off again.",
}

_AMENDMENT: Final = re.compile("|".join(map(re.escape, AMENDMENTS)))

_GENAI: Final = {
    "input_tokens": usage.INPUT,
    "output_tokens": usage.OUTPUT,
    "cache_read_tokens": usage.CACHE_READ,
    "cache_write_tokens": usage.CACHE_WRITE,
    "reasoning_tokens": usage.REASONING,
}
_OPENINFERENCE: Final = {
    "input_tokens": ("llm.token_count.prompt",),
    "output_tokens": ("llm.token_count.completion",),
    "cache_read_tokens": ("llm.token_count.prompt_details.cache_read",),
    "cache_write_tokens": ("llm.token_count.prompt_details.cache_write",),
    "reasoning_tokens": ("llm.token_count.completion_details.reasoning",),
}

#: In which attributes a rule looks for a figure, first match. Rules that are not here look where GenAI does.
_LOOKS_IN: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {"openinference": _OPENINFERENCE}

_NAMES: Final = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cache_read_tokens": "cache read",
    "cache_write_tokens": "cache write",
    "reasoning_tokens": "reasoning",
}


class Figures(Protocol):
    """The columns that are explained; a row of the `spans` view has them."""

    @property
    def type(self) -> str: ...
    @property
    def provider(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def request_model(self) -> str: ...
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
    @property
    def usage_rule(self) -> str: ...
    @property
    def cost_usd(self) -> float | None: ...
    @property
    def price_source(self) -> str: ...
    @property
    def dropped_attributes(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Read:
    """An attribute that a figure was read from, with its value as received."""

    figure: str
    attribute: str
    value: Value


@dataclass(frozen=True, slots=True)
class Ignored:
    """An attribute with a count of tokens that no figure was read from, and why."""

    attribute: str
    value: Value
    why: str


@dataclass(frozen=True, slots=True)
class Part:
    """A term of a cost. `usd_per_million` is the unit price, of a request that of one request."""

    figure: str
    count: int
    usd_per_million: float
    usd: float


@dataclass(slots=True)
class Tokens:
    rule: str
    words: str
    read: list[Read] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Cost:
    """`formula` and `parts` are empty when the price that made the cost is not known any more."""

    source: str
    words: str
    formula: str = ""
    parts: list[Part] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Explanation:
    tokens: Tokens
    cost: Cost
    #: Whether the sender dropped attributes, so that figures may be missing.
    incomplete: bool


def explain(row: Figures, attributes: Mapping[str, Value], overrides: Overrides | None = None) -> Explanation:
    """How the tokens and the cost of a span came about. Never raises on what was received.

    `overrides` are the project's own prices of now.
    """
    return Explanation(tokens(row, attributes), cost(row, attributes, overrides), row.dropped_attributes > 0)


def rule_words(rule: str) -> str:
    """A rule's name in words; of a rule without words only its name."""
    base = _AMENDMENT.sub("", rule)
    found = [RULES.get(base, f"Read by the rule {base!r}."), *(AMENDMENTS[end] for end in _AMENDMENT.findall(rule))]
    return " ".join(found)


def tokens(row: Figures, attributes: Mapping[str, Value]) -> Tokens:
    """Which attributes the token counts are from, and what was made of them."""
    if row.type not in CALLS or not row.usage_rule:
        return _no_tokens(row, attributes)
    found = Tokens(row.usage_rule, rule_words(row.usage_rule))
    looks_in = _LOOKS_IN.get(_AMENDMENT.sub("", row.usage_rule), _GENAI)
    for figure, names in looks_in.items():
        name = next((name for name in names if count(attributes.get(name)) is not None), None)
        if name is not None:
            found.read.append(Read(figure, name, attributes[name]))
    used = {read.attribute for read in found.read}
    counted = {count(read.value): read for read in found.read}
    for name, value in _token_attributes(attributes):
        if name not in used:
            same = counted.get(count(value))
            why = f"the same number as {same.attribute}" if same else "not one of the figures of this rule"
            found.ignored.append(Ignored(name, value, "a sum of the others" if name.endswith("total") else why))
    found.notes = [*_parts_of_tokens(row), *_differences(row, found)]
    if row.dropped_attributes:
        found.notes.append(f"The sender dropped {row.dropped_attributes:,} attributes: figures may be missing.")
    return found


def _no_tokens(row: Figures, attributes: Mapping[str, Value]) -> Tokens:
    why = "not read" if row.type in CALLS else "counted on the spans that made the calls"
    ignored = [Ignored(name, value, why) for name, value in _token_attributes(attributes)]
    if row.type in CALLS:
        words = "The sender reported no tokens for this call."
    elif ignored:
        words = f"Nothing is counted here: on a span of type {row.type} such numbers repeat those of its model calls."
    else:
        words = "This span made no model call, so it has no tokens."
    return Tokens("", words, ignored=ignored)


def _token_attributes(attributes: Mapping[str, Value]) -> Iterable[tuple[str, Value]]:
    for name, value in attributes.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            lowered = name.lower()
            if "usage" in lowered or "token_count" in lowered or lowered.endswith("_tokens"):
                yield name, value


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
    given = {read.figure: count(read.value) or 0 for read in found.read}
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


def cost(row: Figures, attributes: Mapping[str, Value], overrides: Overrides | None = None) -> Cost:
    """Where the cost is from, and the formula when the price is still known."""
    source = row.price_source
    if row.type not in CALLS or not row.usage_rule:
        return Cost("", "No tokens were counted here, so nothing is priced.")
    if row.cost_usd is None:
        model = row.model or row.request_model
        asked = f"the model {model!r}" + (f" of {row.provider}" if row.provider else "")
        if not model:
            return Cost("", "The sender did not name the model, so its price is unknown.")
        return Cost("", f"No price is known for {asked}. Set one on the page of models, then reprice.")
    if source.startswith(REPORTED[:8]):
        return _reported(row, attributes)
    models = [name for name in (row.model, row.request_model) if name]
    price = pricing.find(row.provider, models, row.input_tokens, row.start_ns, overrides)
    own = source.startswith("project override ")
    words = (
        f"The project's own price ({source})."
        if own
        else f"The built-in table: {source}, price of the day of the call."
    )
    found = Cost(source, words)
    if price is not None and price.source == source and _gives(price, row):
        _add_formula(found, price, row)
    elif price is None:
        found.notes.append("This price is not there any more; repricing would make the cost unknown.")
    else:
        now = _dollars(price, row)
        found.notes.append(f"Prices changed since: now it would be ${now:.6g} ({price.source}). Reprice to apply it.")
    return found


def _reported(row: Figures, attributes: Mapping[str, Value]) -> Cost:
    found = Cost(REPORTED, "No price is known for the model; this is what the sender computed.")
    name = next((name for name in REPORTED_COSTS if text(attributes.get(name))), None)
    if name is None:
        found.notes.append("Another span that reports the same call had the cost.")
    else:
        found.formula = f"{name} = {text(attributes[name])}"
    return found


def _usage(row: Figures) -> tuple[int, int, int, int, int]:
    return (
        row.input_tokens,
        row.output_tokens,
        row.cache_read_tokens,
        row.cache_write_tokens,
        row.reasoning_tokens,
    )


def _dollars(price: Price, row: Figures) -> float:
    return pricing.cost(price, *_usage(row))


def _gives(price: Price, row: Figures) -> bool:
    stored = row.cost_usd or 0.0
    return abs(_dollars(price, row) - stored) <= 1e-9 * max(stored, 1e-9)


def _add_formula(found: Cost, price: Price, row: Figures) -> None:
    texts = []
    for term in pricing.terms(price, *_usage(row)):
        if term.figure == "request":
            found.parts.append(Part("request", 1, term.each, term.each))
            texts.append(f"{_money(term.each)} a request")
            continue
        million = term.each * 1_000_000
        found.parts.append(Part(term.figure, term.number, float(f"{million:.12g}"), term.number * term.each))
        texts.append(f"{term.number:,} {term.figure} × {_money(million)}/M")
    found.formula = " + ".join(texts) or "no tokens"
    tier = _tier(row) if found.source.startswith(TABLE) else None
    if tier:
        found.notes.append(f"An input of more than {tier:,} tokens makes the whole call dearer.")


def _tier(row: Figures) -> int:
    """The input size above which this price counts; 0 when it counts from the first token on."""
    return pricing.tier(row.provider, [n for n in (row.model, row.request_model) if n], row.input_tokens, row.start_ns)


def _money(dollars: float) -> str:
    digits = f"{dollars:.12f}".rstrip("0")
    whole, _, places = digits.partition(".")
    return f"${whole}.{places.ljust(2, '0')}"


@dataclass(slots=True)
class Sums:
    """How the totals of several spans came about.

    `sources` are dollars by price source. `incomplete` counts calls of which the sender dropped attributes.
    """

    calls: int = 0
    priced: int = 0
    unpriced: int = 0
    without_usage: int = 0
    incomplete: int = 0
    sources: dict[str, float] = field(default_factory=dict)
    unpriced_models: list[str] = field(default_factory=list)
    tokens_words: str = ""
    cost_words: str = ""


def sums(rows: Iterable[Figures]) -> Sums:
    """The explanation of the sums over the spans of a trace."""
    found = Sums()
    unpriced = set()
    for row in rows:
        if row.type not in CALLS:
            continue
        found.calls += 1
        found.incomplete += row.dropped_attributes > 0
        if not row.usage_rule:
            found.without_usage += 1
        elif row.cost_usd is None:
            found.unpriced += 1
            unpriced.add(row.model or row.request_model)
        else:
            found.priced += 1
            found.sources[row.price_source] = found.sources.get(row.price_source, 0.0) + row.cost_usd
    found.unpriced_models = sorted(unpriced)
    calls = "1 model call" if found.calls == 1 else f"{found.calls:,} model calls"
    found.tokens_words = f"Sum of {calls}; agents and workflows that repeat the numbers are not counted."
    if found.without_usage:
        found.tokens_words += f" {found.without_usage:,} reported no tokens."
    if found.incomplete:
        found.tokens_words += f" {found.incomplete:,} incomplete: the sender dropped attributes."
    found.cost_words = f"Sum of {found.priced:,} priced of {calls}."
    if found.unpriced:
        names = ", ".join(name or "(no name)" for name in found.unpriced_models[:5])
        found.cost_words += f" {found.unpriced:,} without a known price: {names}."
    return found
