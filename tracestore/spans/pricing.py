"""What a model call cost, from the price table that genai-prices carries inside its package.

No network: the package fetches newer prices only when its `UpdatePrices` is started, which nothing
here does. Its own calculation walks the price rules anew for each call, too slow for every span of
an ingest stream. Prices per model are therefore learnt once, by asking it for the price of a million
tokens of each class, and applied as arithmetic. Above some input size a model may be dearer for the
whole call: there is one such set of rates for each tier.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final

from genai_prices import Usage, __version__, data_snapshot
from genai_prices.types import ModelInfo, ModelPrice, TieredPrices

#: The `price_source` of costs from the built-in table.
SOURCE: Final = f"genai-prices {__version__}"

#: Providers of which the instrumentation knows only the wire protocol: the model may be any
#: vendor's behind a proxy. A provider that is named otherwise is believed.
_PROTOCOLS: Final = frozenset({"", "openai", "litellm"})

_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per token. Cached tokens are parts of the input and are priced instead of it."""

    input: float
    output: float
    cache_read: float
    cache_write: float
    request: float = 0.0
    source: str = SOURCE


#: Own prices by (provider, model); '' as provider is any.
Overrides = Mapping[tuple[str, str], Price]


def cost(
    provider: str,
    model: str,
    input_tokens: int,
    output_tokens: int,
    cache_read_tokens: int = 0,
    cache_write_tokens: int = 0,
    at_ns: int = 0,
    overrides: Overrides | None = None,
) -> tuple[float | None, str]:
    """The cost in US dollars and where the price is from; `(None, '')` when no price is known.

    `input_tokens` includes the cached ones and `output_tokens` the reasoning (OpenTelemetry GenAI).
    `at_ns` picks the price that was valid then. Never raises.
    """
    price: Price | None = None
    if overrides:
        price = overrides.get((provider, model)) or overrides.get(("", model))
    if price is None:
        for start, rates in _tariff(provider, model, at_ns):
            if input_tokens > start:
                price = rates
    if price is None:
        return None, ""
    plain = max(input_tokens - cache_read_tokens - cache_write_tokens, 0)
    dollars = (
        price.request
        + plain * price.input
        + cache_read_tokens * price.cache_read
        + cache_write_tokens * price.cache_write
        + output_tokens * price.output
    )
    return dollars, price.source


@lru_cache(maxsize=4096)
def vendor(model: str) -> str:
    """Who makes a model, guessed from its name, '' when unknown."""
    try:
        return str(data_snapshot.get_snapshot().find_provider(model.lower(), None, None).id)
    except Exception:
        return ""


#: Rates by the input size above which they count, rising; the first counts from nothing on.
_Tariff = tuple[tuple[int, Price], ...]

_DAY: Final = 86_400_000_000_000


def _tariff(provider: str, model: str, at_ns: int) -> _Tariff:
    info, changes, hourly = _model(provider, model)
    if info is None:
        return ()
    if hourly:
        return _rates(_at(info, at_ns))
    return _daily(provider, model, at_ns // _DAY if changes else 0)


@lru_cache(maxsize=16384)
def _daily(provider: str, model: str, day: int) -> _Tariff:
    info = _model(provider, model)[0]
    return _rates(_at(info, day * _DAY)) if info else ()


@lru_cache(maxsize=4096)
def _model(provider: str, model: str) -> tuple[ModelInfo | None, bool, bool]:
    """The model, whether its price changed over time, and whether it depends on the hour."""
    found = _find(provider, model)
    if found is None or not isinstance(found.prices, list):
        return found, False, False
    kinds = {type(price.constraint).__name__ for price in found.prices}
    return found, True, "TimeOfDateConstraint" in kinds


def _find(provider: str, model: str) -> ModelInfo | None:
    snapshot = data_snapshot.get_snapshot()
    if not model:
        return None
    try:
        if provider:
            return snapshot.find_provider_model(model, None, provider, None)[1]
    except Exception:
        if provider not in _PROTOCOLS:
            return None
    try:
        return snapshot.find_provider_model(model, None, None, None)[1]
    except Exception:
        return None


def _at(info: ModelInfo, at_ns: int) -> ModelPrice | None:
    try:
        moment = datetime.fromtimestamp(at_ns / 1e9, tz=UTC) if at_ns > 0 else datetime.now(tz=UTC)
        return info.get_prices(moment)
    except Exception:
        return None


def _rates(price: ModelPrice | None) -> _Tariff:
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
        learnt = _learn(flat)
        if learnt is None:
            return ()
        found.append((start, learnt))
    return tuple(found)


def _flat(value: Decimal | TieredPrices | None, start: int) -> Decimal | None:
    if not isinstance(value, TieredPrices):
        return value
    return next((t.price for t in reversed(value.tiers) if t.start <= start), value.base)


def _learn(price: ModelPrice) -> Price | None:
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
