"""Jumps of the context, and windows that fill."""

from __future__ import annotations

from typing import Any

from tests.detectors.runs import Run
from tracestore.analysis.trajectory import Trajectory
from tracestore.detectors.context_growth import ContextGrowth, Settings
from tracestore.detectors.detector import Norms, Usual
from tracestore.detectors.finding import Finding


def detect(run: Run, settings: Settings | None = None, norms: Norms | None = None) -> list[Finding]:
    return ContextGrowth().detect(run.trajectory(), settings or Settings(), norms or Norms())


def calls(tokens: list[int], **more: Any) -> Run:
    run = Run()
    for sent in tokens:
        run._add(type="llm", name="chat", output="ok", input_tokens=sent, cost_usd=sent * 1e-6, **more)
    return run


def test_a_jump_names_the_result_that_made_it_and_what_carrying_it_cost() -> None:
    run = Run()
    run._add(type="llm", name="chat", input_tokens=500)
    run.tool("small", {}, "x" * 10)
    run.tool("fetch_page", {}, "x" * 80_000)
    run._add(type="llm", name="chat", input_tokens=40_500, output_tokens=0, cost_usd=0.0405)
    run._add(type="llm", name="chat", input_tokens=41_000, output_tokens=0, cost_usd=0.041)
    (finding,) = detect(run)
    assert finding.evidence["source"] == "fetch_page"
    assert finding.look_first == run.spans[2].span_id
    assert finding.wasted_tokens == 2 * 40_000
    assert abs(finding.wasted_cost_usd - 0.08) < 1e-9
    assert finding.cause == "data"


def test_growth_step_by_step_is_no_jump() -> None:
    assert detect(calls([150, 900, 3000, 9000, 25_000, 60_000])) == []
    assert detect(calls([100, 15_000])) == []


def test_a_window_is_told_when_it_is_nearly_full_and_before() -> None:
    nearly = calls([80_000, 95_000, 110_000], provider="openai", model="gpt-4o")
    (full,) = detect(nearly)
    assert full.evidence["kind"] == "full"
    assert full.evidence["window"] == 128_000
    soon = calls([50_000, 60_000, 70_000, 80_000], provider="openai", model="gpt-4o")
    (filling,) = detect(soon)
    assert filling.evidence["kind"] == "filling"
    assert detect(calls([50_000, 51_000, 52_000, 53_000], provider="openai", model="gpt-4o")) == []


def test_a_compacted_context_begins_anew() -> None:
    tokens = [40_000, 60_000, 20_000, 30_000, 40_000, 21_000, 31_000, 41_000]
    assert detect(calls(tokens, provider="openai", model="gpt-4o")) == []


def test_agents_have_contexts_of_their_own() -> None:
    run = Run()
    run._add(type="llm", name="chat", input_tokens=300, agent="helper")
    run._add(type="llm", name="chat", input_tokens=60_000, agent="lead")
    run._add(type="llm", name="chat", input_tokens=310, agent="helper")
    assert detect(run) == []


def test_windows_that_no_table_knows_can_be_set_or_are_judged_by_the_past() -> None:
    run = calls([30_000, 31_000], model="our-llama-70b")
    assert detect(run) == []
    (full,) = detect(run, Settings(windows=("our-llama*=32768",)))
    assert full.evidence["window"] == 32_768
    (unusual,) = detect(run, norms=Norms({"support": Usual(runs=99, input_tokens_p99=4_000)}))
    assert unusual.evidence["kind"] == "unusual"


def test_a_refused_call_is_critical() -> None:
    run = calls([90_000], provider="openai", model="gpt-4o")
    run._add(
        type="llm", name="chat", status="error", status_message="This model's maximum context length is 128000 tokens"
    )
    (finding,) = detect(run)
    assert (finding.severity, finding.evidence["kind"]) == ("critical", "refused")


def test_what_was_said_of_a_part_is_said_of_the_whole() -> None:
    run = calls([500, 40_000, 41_000, 110_000, 115_000], provider="openai", model="gpt-4o")
    keys: set[str] = set()
    for upto in range(1, len(run.spans) + 1):
        part = Trajectory("p", run.trace_id, tuple(run.spans[:upto]), complete=False)
        now = {finding.key for finding in ContextGrowth().detect(part, Settings(), Norms())}
        assert keys <= now
        keys = now
    assert keys
