"""What each model was called for: calls, tokens, cost, latency over a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tracestore.clickhouse import client, queries
from tracestore.clickhouse.repricing import Calls


@dataclass(slots=True)
class ModelUsage:
    """One model of one provider. `calls` are model calls and embeddings; latencies in nanoseconds.

    `cost_usd` is the sum of the priced calls, None when there is none; `unpriced_calls` used tokens
    whose price is unknown. Of `incomplete_calls` the sender dropped attributes, so figures may be missing.
    """

    model: str
    provider: str
    calls: int
    embeddings: int
    errors: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    cost_usd: float | None
    unpriced_calls: int
    incomplete_calls: int
    p50_ns: int
    p95_ns: int
    price_sources: list[str]


def model_usage(
    project: str, since: datetime | None, until: datetime | None, *, limit: int = 100, offset: int = 0
) -> list[ModelUsage]:
    """Models by name and provider, those with unpriced calls first, then by cost. `since` <= start < `until`.

    Raises:
        Unavailable: the store does not answer.
    """
    asked = {**Calls(project, since=since, until=until).parameters, "limit": limit, "offset": offset}
    return [ModelUsage(*row) for row in client.run(queries.load("models"), asked).result_rows]
