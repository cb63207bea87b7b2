"""What a model call cost, from the price table that genai-prices carries inside its package.

No network: the package fetches newer prices only when its `UpdatePrices` is started, which nothing
here does. Its own calculation walks the price rules anew for each call, too slow for every span of
an ingest stream. Prices per model are therefore learnt once, by asking it for the price of a million
tokens of each class, and applied as arithmetic. Above some input size a model may be dearer for the
whole call: there is one such set of rates for each tier.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

from genai_prices import Usage, __version__, data_snapshot
from genai_prices.types import ModelInfo, ModelPrice, TieredPrices

#: How the `price_source` of costs from the built-in table begins; the table's own names of provider and
#: model follow: `genai-prices 0.2.3 openai/gpt-4o-mini`.
TABLE: Final = f"genai-prices {__version__}"

#: The `price_source` of a cost that the sender computed.
REPORTED: Final = "reported by the sender"

#: Providers of which the instrumentation knows only the wire protocol: the model may be any
#: vendor's behind a proxy. A provider that is named otherwise is believed.
_PROTOCOLS: Final = frozenset({"", "openai", "litellm"})

_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per token. Cached tokens are parts of the input and are priced instead of it.

    `reasoning` is None where thinking costs what other output does, which is nearly everywhere.
    `source` is what `price_source` says of it.
    """

    input: float
    output: float
    cache_read: float
    cache_write: float
    request: float = 0.0
    reasoning: float | None = None
    source: str = TABLE


def tier(provider: str, models: Iterable[str], input_tokens: int, at_ns: int) -> int:
    """The input size above which the table's price of this call counts; 0 when from the first token on."""
    for model in models:
        starts = [start for start, _ in _tariff(provider, model, at_ns) if input_tokens > start]
        if starts:
            return max(starts[-1], 0)
    return 0


class Term(NamedTuple):
    """A part of a cost: so many tokens (or one request) of a class at so many dollars each."""

    figure: str
    number: int
    each: float


class Own(Protocol):
    """A project's own prices; `tracestore.spans.own_prices.Overrides` is one."""

    def find(self, provider: str, model: str, at_ns: int) -> Price | None: ...


def find(provider: str, models: Iterable[str], input_tokens: int, at_ns: int, own: Own | None = None) -> Price | None:
    """The price of a call: of the first of `models` that has one, own prices before the table.

    `at_ns` picks the price that was valid then, `input_tokens` the tier. Never raises.
    """
    if own is not None:
        for model in models:
            price = own.find(provider, model, at_ns)
            if price is not None:
                return price
    for model in models:
        price = None
        for start, rates in _tariff(provider, model, at_ns):
            if input_tokens > start:
                price = rates
        if price is not None:
            return price
    return None


def terms(
    price: Price, input_tokens: int, output_tokens: int, cache_read: int = 0, cache_write: int = 0, reasoning: int = 0
) -> list[Term]:
    """What a call's cost is the sum of, without parts that are nothing.

    `input_tokens` includes the cached ones and `output_tokens` the reasoning (OpenTelemetry GenAI).
    """
    apart = 0 if price.reasoning is None else min(reasoning, output_tokens)
    found = [
        Term("request", 1 if price.request else 0, price.request),
        Term("input", max(input_tokens - cache_read - cache_write, 0), price.input),
        Term("cache read", cache_read, price.cache_read),
        Term("cache write", cache_write, price.cache_write),
        Term("output", output_tokens - apart, price.output),
        Term("reasoning", apart, price.reasoning or 0.0),
    ]
    return [term for term in found if term.number]


def cost(
    price: Price, input_tokens: int, output_tokens: int, cache_read: int = 0, cache_write: int = 0, reasoning: int = 0
) -> float:
    """The cost of a call in US dollars: the sum of its `terms`, without making them (ingest's hot path)."""
    plain = input_tokens - cache_read - cache_write
    dollars = (
        price.request
        + (plain * price.input if plain > 0 else 0.0)
        + cache_read * price.cache_read
        + cache_write * price.cache_write
        + output_tokens * price.output
    )
    if reasoning and price.reasoning is not None:
        dollars += min(reasoning, output_tokens) * (price.reasoning - price.output)
    return dollars


@lru_cache(maxsize=4096)
def vendor(model: str) -> str:
    """Who makes a model, guessed from its name, '' when unknown."""
    try:
        return str(data_snapshot.get_snapshot().find_provider(model.lower(), None, None).id)
    except Exception:
        return ""


def context_window(provider: str, model: str) -> int:
    """How many tokens a model can be sent at once, by the table; 0 when it does not tell. Never raises."""
    _, info, *_ = _model(provider, model)
    return (info.context_window or 0) if info else 0


#: Rates by the input size above which they count, rising; the first counts from nothing on.
_Tariff = tuple[tuple[int, Price], ...]

_DAY: Final = 86_400_000_000_000


def _tariff(provider: str, model: str, at_ns: int) -> _Tariff:
    name, info, changes, hourly = _model(provider, model)
    if info is None:
        return ()
    if hourly:
        return _rates(_at(info, at_ns), name)
    return _daily(provider, model, at_ns // _DAY if changes else 0)


@lru_cache(maxsize=16384)
def _daily(provider: str, model: str, day: int) -> _Tariff:
    name, info, *_ = _model(provider, model)
    return _rates(_at(info, day * _DAY), name) if info else ()


@lru_cache(maxsize=4096)
def _model(provider: str, model: str) -> tuple[str, ModelInfo | None, bool, bool]:
    """The table's name of the model, the model, whether its price changed over time or depends on the hour."""
    name, found = _find(provider, model)
    if found is None or not isinstance(found.prices, list):
        return name, found, False, False
    kinds = {type(price.constraint).__name__ for price in found.prices}
    return name, found, True, "TimeOfDateConstraint" in kinds


def _find(provider: str, model: str) -> tuple[str, ModelInfo | None]:
    if not model:
        return "", None
    found = _look_up(model, provider) if provider else None
    if found is None and provider in _PROTOCOLS:
        found = _look_up(model, None)
    return found or ("", None)


def _look_up(model: str, provider: str | None) -> tuple[str, ModelInfo] | None:
    try:
        vendor, info = data_snapshot.get_snapshot().find_provider_model(model, None, provider, None)
    except Exception:
        return None
    return f"{vendor.id}/{info.id}", info


def _at(info: ModelInfo, at_ns: int) -> ModelPrice | None:
    try:
        moment = datetime.fromtimestamp(at_ns / 1e9, tz=UTC) if at_ns > 0 else datetime.now(tz=UTC)
        return info.get_prices(moment)
    except Exception:
        return None


def _rates(price: ModelPrice | None, name: str) -> _Tariff:
    if price is None:
        return ()
    values = vars(price)
    starts = {-1}
    for value in values.values():
        if isinstance(value, TieredPrices):
            starts.update(tier.start for tier in value.tiers)
    found = []
    for start in sorted(starts):
        flat = ModelPrice(**{key: _flat(value, start) for key, value in values.items()})
        learnt = _learn(flat, f"{TABLE} {name}")
        if learnt is None:
            return ()
        found.append((start, learnt))
    return tuple(found)


def _flat(value: Decimal | TieredPrices | None, start: int) -> Decimal | None:
    if not isinstance(value, TieredPrices):
        return value
    return next((t.price for t in reversed(value.tiers) if t.start <= start), value.base)


def _learn(price: ModelPrice, source: str) -> Price | None:
    request = _calculate(price, 0, 0, 0, 0)
    inputs = _calculate(price, _MILLION, 0, 0, 0)
    outputs = _calculate(price, 0, _MILLION, 0, 0)
    read = _calculate(price, _MILLION, 0, _MILLION, 0)
    write = _calculate(price, _MILLION, 0, 0, _MILLION)
    if request is None or inputs is None or outputs is None or read is None or write is None:
        return None
    return Price(
        input=(inputs - request) / _MILLION,
        output=(outputs - request) / _MILLION,
        cache_read=(read - request) / _MILLION,
        cache_write=(write - request) / _MILLION,
        request=request,
        source=source,
    )


def _calculate(price: ModelPrice, inputs: int, outputs: int, cache_read: int, cache_write: int) -> float | None:
    try:
        usage = Usage(
            input_tokens=inputs,
            output_tokens=outputs,
            cache_read_tokens=cache_read or None,
            cache_write_tokens=cache_write or None,
        )
        return float(price.calc_price(usage)["total_price"])
    except Exception:
        return None
