"""Costs agree with the package's own slow calculation, without its network and its slowness."""

from __future__ import annotations

import random
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from genai_prices import Usage, calc_price, data_snapshot
from records import NOW

from tracestore.spans.pricing import SOURCE, Price, cost, vendor


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
            assert found == (pytest.approx(float(expected.total_price)), SOURCE), (provider, model)


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


def test_overrides_go_first() -> None:
    own = {("", "m"): Price(1.0, 2.0, 0.5, 0.0, source="mine"), ("p", "m"): Price(9.0, 0.0, 0.0, 0.0)}
    assert cost("q", "m", 3, 1, 2, 0, 0, own) == (1.0 + 2 * 0.5 + 2.0, "mine")
    assert cost("p", "m", 1, 0, overrides=own)[0] == 9.0


@pytest.mark.parametrize(("model", "expected"), [("gpt-4o", "openai"), ("claude-x", "anthropic"), ("?", ""), ("", "")])
def test_vendor(model: str, expected: str) -> None:
    assert vendor(model) == expected


def test_no_network() -> None:
    """Importing and pricing open no socket and start no updater."""
    program = (
        "import socket, threading\n"
        "def refuse(*a, **k): raise SystemExit('network')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse\n"
        "from tracestore.spans.pricing import cost\n"
        "assert cost('openai', 'gpt-4o', 1, 1)[0]\n"
        "assert threading.active_count() == 1\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
