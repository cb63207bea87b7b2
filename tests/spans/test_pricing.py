"""Costs agree with the package's own slow calculation, without its network and its slowness."""

from __future__ import annotations

import random
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from genai_prices import Usage, calc_price, data_snapshot
from genai_prices.types import StartDateConstraint
from records import NOW, record

from tracestore.spans import pricing
from tracestore.spans.model import Span, Value
from tracestore.spans.normalise import normalise
from tracestore.spans.own_prices import Overrides, OwnPrice
from tracestore.spans.pricing import TABLE, Price, vendor

DAY = 86_400 * 10**9


def cost(
    provider: str, model: str, inputs: int, outputs: int, read: int = 0, write: int = 0, at: int = NOW
) -> tuple[float | None, str]:
    price = pricing.find(provider, [model], inputs, at)
    return (None, "") if price is None else (pricing.cost(price, inputs, outputs, read, write), price.source)


def call(own: Overrides | None = None, **attributes: Value) -> Span:
    """A plain GenAI call with a million tokens in and none out, unless said otherwise."""
    given: dict[str, Value] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 1_000_000,
        "gen_ai.usage.output_tokens": 0,
    }
    return normalise(record(attributes=given | {k.replace("__", "."): v for k, v in attributes.items()}), own)


def own(number: int, model: str, dollars: float, **more: Any) -> OwnPrice:
    """An own price of so many dollars a million tokens in."""
    return OwnPrice(number, model, Price(dollars / 1e6, 0.0, 0.0, 0.0, source=f"project override {number}"), **more)


def test_a_sample_of_the_whole_price_table() -> None:
    chooser = random.Random(3)
    moment = datetime.fromtimestamp(NOW / 1e9, tz=UTC)
    models = [(p.id, m.id) for p in data_snapshot.get_snapshot().providers for m in p.models]
    for provider, model in chooser.sample(models, 300):
        inputs = chooser.choice([0, 10, 150_000, 300_000])
        read, write = chooser.choice([0, inputs // 3]), chooser.choice([0, inputs // 4])
        usage = Usage(
            input_tokens=inputs,
            output_tokens=77,
            cache_read_tokens=read or None,
            cache_write_tokens=write or None,
        )
        found = cost(provider, model, inputs, 77, read, write, NOW)
        try:
            expected = calc_price(usage, model, provider_id=provider, genai_request_timestamp=moment)
        except (LookupError, ValueError):
            assert found == (None, ""), (provider, model)
        else:
            source = f"{TABLE} {expected.provider.id}/{expected.model.id}"
            assert found == (pytest.approx(float(expected.total_price)), source), (provider, model)


def test_cached_tokens_are_part_of_the_input() -> None:
    full = cost("openai", "gpt-4o", 1000, 0)[0]
    cached = cost("openai", "gpt-4o", 1000, 0, 1000)[0]
    assert full == pytest.approx(0.0025)
    assert cached == pytest.approx(0.00125)


@pytest.mark.parametrize(("provider", "model"), [("openai", "nobody-knows-it"), ("", ""), ("ollama", "gpt-4o")])
def test_unknown_prices_are_none(provider: str, model: str) -> None:
    assert cost(provider, model, 1, 1) == (None, "")


def test_a_model_behind_a_proxy_that_speaks_openai() -> None:
    assert cost("openai", "claude-sonnet-4-5", 1_000_000, 0)[0] is not None
    assert cost("strange-proxy", "claude-sonnet-4-5", 1, 0) == (None, "")


@pytest.mark.parametrize(
    ("provider", "model", "known_as"),
    [
        ("openai", "gpt-4o-mini-2024-07-18", "openai/gpt-4o-mini"),
        ("openai", "gpt-4o-2024-05-13", "openai/gpt-4o-2024-05-13"),
        ("anthropic", "claude-sonnet-4-5-20250929", "anthropic/claude-sonnet-4-5"),
        (
            "aws",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "aws/regional.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        ("litellm", "claude-sonnet-4-5", "anthropic/claude-sonnet-4-5"),
        ("openai", "gpt-4o-mini-2099-01-01", ""),
    ],
)
def test_which_price_a_name_gets(provider: str, model: str, known_as: str) -> None:
    """A dated name that the table does not know may cost something else: unknown, not the undated one's."""
    found = pricing.find(provider, [model], 10, NOW)
    assert (found.source if found else "") == (f"{TABLE} {known_as}" if known_as else "")


@pytest.mark.parametrize("name", ["openai/gpt-4o-mini", "litellm_proxy/openai/gpt-4o-mini", "models/gpt-4o-mini"])
def test_routing_prefixes_do_not_hide_the_model(name: str) -> None:
    assert call(gen_ai__request__model=name).cost_usd == pytest.approx(0.15)


def test_what_is_unknown_is_none_and_what_is_free_is_nothing() -> None:
    unknown = call(gen_ai__request__model="nobody-knows-it")
    assert (unknown.cost_usd, unknown.price_source) == (None, "")
    free = call(Overrides([own(1, "nobody-knows-it", 0.0)]), gen_ai__request__model="nobody-knows-it")
    assert (free.cost_usd, free.price_source) == (0.0, "project override 1")
    reported = call(gen_ai__request__model="nobody-knows-it", operation__cost=0.25)
    assert (reported.cost_usd, reported.price_source) == (0.25, "reported by the sender")


def test_cached_inside_and_beside_the_input() -> None:
    """Half of a million tokens read from the cache, however the sender counts them."""
    inside = call(gen_ai__usage__cache_read__input_tokens=500_000)
    beside = call(gen_ai__usage__input_tokens=400_000, gen_ai__usage__cache_read__input_tokens=600_000)
    assert (inside.input_tokens, inside.cost_usd) == (1_000_000, pytest.approx(0.5 * 0.15 + 0.5 * 0.075))
    assert (beside.input_tokens, beside.usage_rule) == (1_000_000, "genai+cached")
    assert beside.cost_usd == pytest.approx(0.4 * 0.15 + 0.6 * 0.075)


def test_writing_the_cache_has_its_own_price() -> None:
    found = call(
        gen_ai__provider__name="anthropic",
        gen_ai__request__model="claude-3-5-haiku-latest",
        gen_ai__usage__input_tokens=100_000,
        gen_ai__usage__cache_creation__input_tokens=40_000,
    )
    assert found.cost_usd == pytest.approx(0.06 * 0.8 + 0.04 * 1.0)


def test_a_dearer_tier_counts_for_the_whole_call() -> None:
    small, large = (
        cost("anthropic", "claude-sonnet-4-5", 200_000, 0),
        cost("anthropic", "claude-sonnet-4-5", 200_001, 0),
    )
    assert small[0] == pytest.approx(0.6)
    assert large[0] == pytest.approx(200_001 * 6e-6)


def test_the_price_is_that_of_the_day_of_the_call() -> None:
    """Every model of the table whose price changed: the day before and the day of each change."""
    changes = [
        (vendor.id, model.id, price.constraint.start_date)
        for vendor in data_snapshot.get_snapshot().providers
        for model in vendor.models
        if isinstance(model.prices, list)
        for price in model.prices
        if isinstance(price.constraint, StartDateConstraint)
    ]
    assert changes
    differing = 0
    for provider, model, day in changes:
        at = int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()) * 10**9
        found = [cost(provider, model, 1000, 1000, at=moment)[0] for moment in (at - DAY, at)]
        for moment, dollars in zip((at - DAY, at), found, strict=True):
            when = datetime.fromtimestamp(moment / 1e9, tz=UTC)
            usage = Usage(input_tokens=1000, output_tokens=1000)
            try:
                expected = calc_price(usage, model, provider_id=provider, genai_request_timestamp=when)
            except LookupError:  # a name of the table that its own patterns do not match
                assert dollars is None
                continue
            assert dollars == pytest.approx(float(expected.total_price)), (provider, model, when)
        differing += found[0] != found[1]
    assert differing


@pytest.mark.parametrize(
    ("prices", "dollars"),
    [
        pytest.param([own(1, "gpt-4o-mini", 7)], 7, id="an own price goes before the table"),
        pytest.param([own(1, "GPT-4o-Mini", 7)], 7, id="case does not matter"),
        pytest.param([own(1, "gpt-4o*", 7)], 7, id="glob"),
        pytest.param([own(1, "gpt-4?-mini", 7)], 7, id="one character"),
        pytest.param([own(1, "gpt-4o", 7)], 0.15, id="a name is the whole name"),
        pytest.param([own(1, "gpt.4o.mini", 7)], 0.15, id="a dot is a dot"),
        pytest.param([own(1, "gpt-4o*", 7), own(2, "gpt-4o-mini", 8)], 8, id="exact before glob"),
        pytest.param([own(1, "gpt-4o-mini", 8), own(2, "*", 7)], 8, id="whatever came last"),
        pytest.param([own(1, "gpt-4o-m*", 8), own(2, "gpt-*", 7)], 8, id="the longer glob"),
        pytest.param([own(1, "gpt-*", 8, provider="OpenAI"), own(2, "gpt-*", 7)], 8, id="with provider before without"),
        pytest.param([own(1, "gpt-*", 8, provider="azure")], 0.15, id="another provider's"),
        pytest.param([own(1, "gpt-*", 8), own(2, "gpt-*", 7)], 7, id="else the latest made"),
        pytest.param([own(2, "gpt-*", 8), own(1, "gpt-*", 7, from_ns=NOW - 5)], 7, id="that became valid last"),
        pytest.param([own(1, "gpt-*", 8, from_ns=NOW + 1)], 0.15, id="not valid yet"),
        pytest.param([own(1, "gpt-*", 8, until_ns=NOW)], 0.15, id="not valid any more"),
        pytest.param([own(1, "gpt-*", 8, from_ns=NOW, until_ns=NOW + 1)], 8, id="valid at this moment only"),
    ],
)
def test_which_own_price_counts(prices: list[OwnPrice], dollars: float) -> None:
    for order in (prices, prices[::-1]):
        assert call(Overrides(order)).cost_usd == pytest.approx(dollars)


def test_an_own_price_may_be_for_the_name_that_was_asked_for() -> None:
    """A deployment has a name of its own, and the answer names the model behind it."""
    prices = Overrides([own(1, "our-deployment", 7)])
    found = call(prices, gen_ai__request__model="our-deployment", gen_ai__response__model="gpt-4o-mini")
    assert (found.model, found.cost_usd) == ("gpt-4o-mini", pytest.approx(7))


def test_reasoning_priced_apart() -> None:
    price = Price(0.0, 1e-6, 0.0, 0.0, reasoning=3e-6, source="project override 1")
    found = call(
        Overrides([OwnPrice(1, "*", price)]), gen_ai__usage__output_tokens=100, gen_ai__usage__reasoning_tokens=40
    )
    assert found.cost_usd == pytest.approx(60e-6 + 40 * 3e-6)


@pytest.mark.parametrize("reasoning", [None, 3e-6])
@pytest.mark.parametrize(("read", "write"), [(0, 0), (300, 0), (200, 100)])
def test_a_cost_is_the_sum_of_its_terms(reasoning: float | None, read: int, write: int) -> None:
    price = Price(1e-6, 2e-6, 1e-7, 1.25e-6, request=0.01, reasoning=reasoning)
    usage = (1000, 500, read, write, 200)
    parts = pricing.terms(price, *usage)
    assert sum(part.number * part.each for part in parts) == pytest.approx(pricing.cost(price, *usage))
    assert sum(part.number for part in parts if part.figure != "request") == 1500


@pytest.mark.parametrize(("model", "expected"), [("gpt-4o", "openai"), ("claude-x", "anthropic"), ("?", ""), ("", "")])
def test_vendor(model: str, expected: str) -> None:
    assert vendor(model) == expected


def test_no_network() -> None:
    """Importing and pricing open no socket and start no updater."""
    program = (
        "import socket, threading\n"
        "def refuse(*a, **k): raise SystemExit('network')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse\n"
        "from tracestore.spans.pricing import find\n"
        "assert find('openai', ['gpt-4o'], 1, 0)\n"
        "assert threading.active_count() == 1\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_table_knows_how_much_a_model_can_be_sent() -> None:
    assert pricing.context_window("openai", "gpt-4o-mini-2024-07-18") == 128_000
    assert pricing.context_window("", "claude-sonnet-4-5-20250929") == 200_000
    assert pricing.context_window("openai", "no such model") == 0
    assert pricing.context_window("", "") == 0
