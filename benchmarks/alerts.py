"""What a pass over alert rules costs: quiet, with a thousand new findings, and with fifty metric rules.

    python -m benchmarks.alerts [--spans 1000000]

Spans (20 to a run, over the last four hours) are made inside the store. Milliseconds of one pass, the statements it
sent to the store and the writes to the metadata; each the median of some passes.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

import benchmarks.django_ready  # noqa: F401 (before anything of tracestore)
from benchmarks.store import started
from tests.clickhouse.alerting.rules import finding, rule, store
from tracestore.alerts import evaluation, past
from tracestore.alerts.conditions.condition import MetricCondition
from tracestore.alerts.models import Alert, AlertRule
from tracestore.clickhouse import client

SPANS = """INSERT INTO stored_spans (project, trace_id, span_id, parent_span_id, name, type, agent, agent_version, user_id,
    start_time, duration_ns, status, model, input_tokens, output_tokens, cost_usd, tool_name, version)
SELECT 'default', lower(hex(sipHash128(intDiv(number, 20)))), lower(hex(sipHash64(number))),
    if(number % 20 = 0, '', 'ab'), 'span', ['agent', 'llm', 'tool', 'llm'][number % 4 + 1],
    concat('agent ', toString(intDiv(number, 20) % 40)), toString(intDiv(number, 20) % 3),
    concat('user ', toString(intDiv(number, 20) % 500)),
    now64(9) - toIntervalSecond(toUInt64(intDiv(number, 20) * 14400 / {runs:UInt64})), 1000000000 + number % 1000000000,
    if(number % 50 = 2, 'error', 'ok'), if(number % 2 = 1, ['small', 'large'][intDiv(number, 20) % 2 + 1], ''), 100, 10,
    if(number % 2 = 1, 0.001, NULL), if(number % 4 = 2, concat('tool ', toString(number % 30)), ''), 1
FROM numbers({spans:UInt64})"""
RUNS = """INSERT INTO stored_traces (project, trace_id, name, agent, user_id, start_time, end_time, duration_ns, span_count,
    llm_calls, tool_calls, errors, input_tokens, output_tokens, cost_usd, status, models, tools, agents, version)
SELECT project, trace_id, any(name), any(agent), any(user_id), min(start_time) AS began, max(start_time), max(duration_ns),
    count(), countIf(type = 'llm'), countIf(type = 'tool'), countIf(status = 'error'), sum(input_tokens),
    sum(output_tokens), sum(cost_usd), if(countIf(status = 'error') > 0, 'error', 'ok'),
    groupUniqArrayIf(model, model != ''), groupUniqArrayIf(tool_name, tool_name != ''), groupUniqArray(agent), 1
FROM stored_spans GROUP BY project, trace_id"""
CALLS = """INSERT INTO stored_tool_calls (project, trace_id, span_id, start_time, duration_ns, tool_name, status, agent,
    agent_version, user_id, version)
SELECT project, trace_id, span_id, start_time, duration_ns, tool_name, status, agent, agent_version, user_id, 1
FROM stored_spans WHERE type = 'tool'"""


def noting(sent: list[str], run: Callable[..., Any], text: str, *more: Any, **named: Any) -> Any:
    """Runs a statement of the store and notes that it was sent."""
    sent.append(text)
    return run(text, *more, **named)


def measured(what: str, passes: Callable[[int], Any], times: int = 5) -> None:
    """Prints the median of some passes; `passes` is told the number of the pass and returns what to evaluate."""
    took: list[float] = []
    asked: list[int] = []
    wrote: list[int] = []
    run = client.run
    for number in range(times):
        sent: list[str] = []
        client.run = partial(noting, sent, run)
        try:
            with CaptureQueriesContext(connection) as queries:
                begun = time.perf_counter()
                passes(number)
                took.append((time.perf_counter() - begun) * 1000)
        finally:
            client.run = run
        asked.append(len(sent))
        wrote.append(
            sum(not one["sql"].startswith(("SELECT", "SAVEPOINT", "RELEASE")) for one in queries.captured_queries)
        )
    print(
        f"{what:<58} {statistics.median(took):8.1f} ms  {statistics.median(asked):4.0f} statements"
        f"  {statistics.median(wrote):4.0f} writes"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--spans", type=int, default=1_000_000)
    spans = parser.parse_args().spans
    call_command("migrate", verbosity=0)
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)):
        client.run(SPANS, {"spans": spans, "runs": spans // 20})
        client.run(RUNS)
        client.run(CALLS)
        now = datetime.now(UTC)
        loops = rule("Findings")
        evaluation.evaluate(now)

        def later(seconds: float) -> datetime:
            return now + timedelta(seconds=seconds)

        measured("quiet", lambda number: evaluation.evaluate(later(2 + 2 * number)))

        def burst(number: int) -> None:
            at = later(20 + 2 * number)
            evaluation.evaluate(at)

        for number in range(5):
            at = later(20 + 2 * number)
            store(at, *(finding(at, trace=1000 * number + n + 1) for n in range(1_000)))
        measured("5,000 findings of one problem in 10 s", burst)
        print(f"{'':<58} {Alert.objects.count()} alert, version {Alert.objects.get().version}")
        measured("one alert that goes on", lambda number: evaluation.evaluate(later(40 + 2 * number)))
        for number in range(50):
            at = later(60)
            store(at, *(finding(at, trace=10_000 + 20 * number + n, key=f"tool {number}") for n in range(20)))
        measured("1,000 findings of 50 problems, first pass", lambda _: evaluation.evaluate(later(60)), times=1)
        measured("51 alerts that go on", lambda number: evaluation.evaluate(later(62 + 2 * number)))
        AlertRule.objects.filter(pk=loops.pk).update(enabled=False)
        evaluation.evaluate(later(80))

        names = ("error_rate", "cost_per_run", "tokens", "latency_p95", "tool_error_rate", "tool_latency_p95",
                 "llm_error_rate", "llm_latency_p95", "runs", "steps_per_run")  # fmt: skip
        for name in names:
            for by in ([], ["agent"], ["user"], ["agent", "version"], ["model"]):
                if "tool" in name and by == ["model"]:
                    by = ["tool"]
                rule(f"{name} by {by}", kind="metric", condition={"metric": name, "by": by, "threshold": 1e9})
        measured(
            "50 metric rules, a window of 15 minutes", lambda number: evaluation.evaluate(later(100 + 100 * number))
        )
        failures = AlertRule.objects.exclude(failure="").count()
        print(f"{'':<58} {failures} failed")
        AlertRule.objects.filter(kind="metric").exclude(name="error_rate by []").update(enabled=False)
        measured("1 metric rule", lambda number: evaluation.evaluate(later(1000 + 100 * number)))
        condition = MetricCondition("error_rate", threshold=0.5, by=("agent",), window_s=900)
        measured(
            "preview of a metric rule over 7 days",
            lambda _: past.firings("default", condition, 0, 300, now - timedelta(days=7), now),
        )


if __name__ == "__main__":
    main()
