"""How the figures of a span came about, in words: which rule read the tokens (`explain_tokens`), which price made
the cost.

Works on what is stored (columns and attributes) and is calculated when somebody asks. A figure is
never explained by what it should be: where the attributes or the prices of now give something else
than what is stored, the explanation says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tracestore.spans import pricing
from tracestore.spans.explain_tokens import CALLS, Figures, Summed, Tokens, tokens
from tracestore.spans.model import Value
from tracestore.spans.own_prices import Overrides
from tracestore.spans.pricing import REPORTED, TABLE, Price
from tracestore.spans.semconv.places import document
from tracestore.spans.semconv.reported import reported_cost
from tracestore.spans.semconv.values import text


@dataclass(frozen=True, slots=True)
class Part:
    """A term of a cost. `usd_per_million` is the unit price, of a request that of one request."""

    figure: str
    count: int
    usd_per_million: float
    usd: float


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
        return _reported(attributes)
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


def _reported(attributes: Mapping[str, Value]) -> Cost:
    found = Cost(REPORTED, "No price is known for the model; this is what the sender computed.")
    told = reported_cost(dict(attributes))
    if told is None:
        found.notes.append("Another span that reports the same call had the cost.")
    elif told.keys:
        given = document(attributes[told.attribute])
        found.formula = (
            f"{told.attribute} {' + '.join(told.keys)} = {' + '.join(text(given[key]) for key in told.keys)}"
        )
    else:
        found.formula = f"{told.attribute} = {text(attributes[told.attribute])}"
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


def sums(rows: Iterable[Summed]) -> Sums:
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
