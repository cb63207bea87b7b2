"""The figures of a model are the sums over its calls and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.clickhouse.spans import SECOND, START, llm, span
from tests.clickhouse.test_writer import write
from tracestore.clickhouse.model_usage import model_usage

AT = datetime.fromtimestamp(START / 1e9, UTC)


def test_sums_by_model_and_provider_unknown_ones_first() -> None:
    sent = [
        llm(1, provider="openai", price_source="a", cache_read_tokens=5, reasoning_tokens=2, cost_usd=2.0),
        llm(2, provider="openai", price_source="b", status="error", cost_usd=1.0, end_ns=START + 5 * SECOND),
        llm(3, provider="azure", cost_usd=0.5, dropped_attributes=4),
        llm(4, provider="acme", model="new", cost_usd=None),
        llm(5, provider="acme", model="new", cost_usd=None, usage_rule="", input_tokens=0, output_tokens=0),
        llm(6, provider="acme", model="", request_model="new", type="embedding", cost_usd=0.25, cache_write_tokens=3),
        span(7, type="agent", model="new", input_tokens=999),
    ]
    for _ in range(2):
        write(*sent)
    write(llm(8), project="other")
    found = model_usage("default", None, None)
    assert [(m.model, m.provider, m.calls, m.unpriced_calls, m.cost_usd) for m in found] == [
        ("new", "acme", 3, 1, 0.25),
        ("gpt-4o-mini", "openai", 2, 0, 3.0),
        ("gpt-4o-mini", "azure", 1, 0, 0.5),
    ]
    new, mini, azure = found
    assert (mini.input_tokens, mini.output_tokens, mini.cache_read_tokens, mini.reasoning_tokens) == (200, 20, 5, 2)
    assert (mini.errors, mini.price_sources) == (1, ["a", "b"])
    assert mini.p50_ns <= mini.p95_ns == pytest.approx(3 * SECOND, rel=0.01)
    assert (azure.incomplete_calls, new.embeddings, new.cache_write_tokens) == (1, 1, 3)
    assert [m.provider for m in model_usage("default", None, None, limit=1, offset=1)] == ["openai"]


def test_only_calls_of_the_time() -> None:
    write(llm(1), llm(2, model="later", start=START + 60 * SECOND))
    middle = datetime.fromtimestamp(START / 1e9 + 30, UTC)
    assert [m.model for m in model_usage("default", AT, middle)] == ["gpt-4o-mini"]
    assert [m.model for m in model_usage("default", middle, None)] == ["later"]
    assert model_usage("default", None, AT) == []
