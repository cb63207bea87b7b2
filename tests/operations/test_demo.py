"""The simulated fleet: the same story for the same seed, spans that real agents could have sent."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import UTC, datetime

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tracestore.demo import fleet, otlp, timetable
from tracestore.demo.player import BATCH, Player, steps_to_send
from tracestore.demo.scenarios import SCENARIOS, tell
from tracestore.demo.story import Run
from tracestore.spans import pricing

NOW = datetime(2026, 11, 20, 15, 7, 31, tzinfo=UTC).timestamp()


@pytest.fixture(scope="module")
def past() -> list[Run]:
    return list(timetable.past("seed", NOW))


def spans_of(run: Run) -> list[Span]:
    return [otlp.span(run, step) for step in steps_to_send(run)]


def attributes(span: Span) -> dict[str, object]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "") for pair in span.attributes}


def test_a_seed_tells_one_story(past: list[Run]) -> None:
    again = list(timetable.past("seed", NOW))
    assert [otlp.request((run, step) for step in run.steps) for run in past[:50]] == [
        otlp.request((run, step) for step in run.steps) for run in again[:50]
    ]
    other = list(timetable.past("other", NOW))
    assert {run.trace_id for run in past}.isdisjoint(run.trace_id for run in other)


def test_a_later_start_sends_the_same_runs_again_and_not_new_ones(past: list[Run]) -> None:
    later = list(timetable.past("seed", NOW + 600))
    known = {run.trace_id for run in past}
    overlap = [run for run in later if run.started_at < NOW - 600]
    # What happened is told relative to now (“drift began six hours ago”): a few runs change with it.
    assert sum(run.trace_id in known for run in overlap) > 0.95 * len(overlap)


def test_the_past_is_a_day_of_a_few_hundred_runs(past: list[Run]) -> None:
    assert 250 < len(past) < 300
    assert 1_500 < sum(len(run.steps) for run in past) < 15_000
    assert all(run.started_at > NOW - 24.1 * 3600 and run.started_at + run.seconds < NOW for run in past)
    assert {run.agent.name for run in past} == {agent.name for agent, _ in fleet.STARTERS}


def test_all_ids_are_different(past: list[Run]) -> None:
    assert len({run.trace_id for run in past}) == len(past)
    spans = [step.span_id for run in past for step in run.steps]
    assert len(set(spans)) == len(spans)


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("agent", [agent for agent, _ in fleet.STARTERS], ids=lambda agent: agent.name)
def test_spans_form_a_tree_in_time(scenario: str, agent: fleet.Agent) -> None:
    run = tell(scenario, agent, "seed", started_at=NOW, session="s-1", user="u-1")
    spans = spans_of(run)
    by_id = {span.span_id: span for span in spans}
    missing = {span.parent_span_id for span in spans} - set(by_id)
    assert missing == ({run.steps[0].span_id} if run.unfinished else {b""})
    for span in spans:
        assert (len(span.trace_id), len(span.span_id)) == (16, 8)
        assert span.start_time_unix_nano < span.end_time_unix_nano
        parent = by_id.get(span.parent_span_id)
        if parent is not None:
            assert parent.start_time_unix_nano <= span.start_time_unix_nano
            assert parent.end_time_unix_nano >= span.end_time_unix_nano
        assert len(span.attributes) <= 128 or scenario in ("loop", "retry_storm", "cost_spike")
        assert all("session" in key or value != "" for key, value in attributes(span).items())


def test_every_call_has_a_price_and_tokens(past: list[Run]) -> None:
    calls = {(step.agent.provider, step.agent.model) for run in past for step in run.steps if step.kind == "llm"}
    for provider, model in calls:
        assert pricing.find(provider, [model], 1000, 0), f"no price for {provider} {model}"
    for run in past:
        for step in run.steps:
            if step.kind == "llm":
                assert step.output_tokens > 0
                assert step.cached_tokens < step.input_tokens


def test_both_dialects_and_what_wakes_people_up_are_there(past: list[Run]) -> None:
    seen: Counter[str] = Counter()
    for run in past:
        for span in spans_of(run):
            found = attributes(span)
            seen["genai"] += "gen_ai.operation.name" in found
            seen["openinference"] += "openinference.span.kind" in found
            seen["error"] += span.status.code == 2
        calls = Counter((step.name, step.arguments) for step in run.steps if step.kind == "tool" and not step.error)
        seen["loop"] += any(count >= 10 for count in calls.values())
        seen["storm"] += sum(bool(step.error) for step in run.steps) >= 7
        seen["spike"] += sum(step.input_tokens for step in run.steps) > 500_000
        seen["hand-off"] += len({step.agent.name for step in run.steps}) > 1
    assert all(seen[what] for what in ("genai", "openinference", "error", "loop", "storm", "spike", "hand-off")), seen


def test_everything_is_marked_as_simulated(past: list[Run]) -> None:
    request = otlp.request((run, step) for run in past[:40] for step in run.steps)
    for group in request.resource_spans:
        found = {pair.key: pair.value.string_value for pair in group.resource.attributes}
        assert found["service.namespace"] == "tracestore-demo"
        assert found["service.name"]


def test_a_loop_and_a_storm_come_within_the_first_live_minute() -> None:
    runs = list(itertools.takewhile(lambda run: run.started_at < NOW + 60, timetable.live("seed", NOW)))
    assert 8 < len(runs) < 20
    assert max(len(run.steps) for run in runs) > 25
    assert any(sum(bool(step.error) for step in run.steps) >= 7 for run in runs)


class FakeTime:
    def __init__(self) -> None:
        self.now = NOW

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_the_player_sends_each_span_when_it_has_ended_and_asks_again_after_a_failure() -> None:
    time, said = FakeTime(), list[str]()
    got: list[tuple[float, ExportTraceServiceRequest]] = []
    failures = iter([True, True])

    def send(request: ExportTraceServiceRequest) -> None:
        if next(failures, False):
            raise ConnectionRefusedError("nobody there")
        got.append((time.now, request))

    player = Player(send, said.append, clock=lambda: time.now, sleep=time.sleep)
    player.live(timetable.live("seed", NOW), seconds=120)
    assert len(said) == 1
    spans = [
        (at, span) for at, request in got for group in request.resource_spans for span in group.scope_spans[0].spans
    ]
    assert len(spans) == player.sent > 100
    assert all(span.end_time_unix_nano <= at * 1e9 for at, span in spans)
    assert len({span.span_id for _, span in spans}) == len(spans)


def test_the_past_goes_out_in_batches(past: list[Run]) -> None:
    sizes: list[int] = []
    player = Player(
        lambda request: sizes.append(sum(len(group.scope_spans[0].spans) for group in request.resource_spans)), print
    )
    assert player.past(past) == len(past)
    assert sum(sizes) == player.sent
    assert max(sizes) == BATCH


def test_it_posts_to_the_address_given_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str | None]] = []

    class Answer:
        def __enter__(self) -> Answer:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def read(self) -> bytes:
            return b""

    def urlopen(request: object, timeout: float) -> Answer:
        asked.append((request.full_url, request.get_header("X-api-key")))  # type: ignore[attr-defined]
        return Answer()

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    otlp.post("http://127.0.0.1:4318/", "key", ExportTraceServiceRequest())
    assert asked == [("http://127.0.0.1:4318/v1/traces", "key")]
