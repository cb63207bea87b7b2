"""However the spans of a run arrive, early, late, scattered, again or never: the figures and the tree are right."""

from __future__ import annotations

import functools
import hashlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan

from tests.e2e.side_by_side import side_by_side
from tests.e2e.stack import Stack
from tests.e2e.test_front_door import send_grpc, send_http

SECOND = 10**9
DAY = 86_400 * SECOND
TURNS = 28
#: Prices per token of gpt-4o-mini.
INPUT, OUTPUT = 0.15e-6, 0.6e-6


@dataclass
class Run:
    """An agent that calls the model and then a tool, turn after turn; the tool is below the call."""

    salt: str
    step: int = SECOND
    spans: list[ProtoSpan] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.trace_id = hashlib.sha256(self.salt.encode()).digest()[:16]
        end = time.time_ns() - 60 * SECOND
        start = end - 2 * TURNS * self.step
        self.root = self.span("invoke_agent planner", None, start, end, {
            "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner",
            "gen_ai.conversation.id": f"conversation of {self.salt}",
        })  # fmt: skip
        for turn in range(TURNS):
            begun = start + (2 * turn) * self.step
            chat = self.span("chat gpt-4o-mini", self.root, begun, begun + self.step // 2, {
                "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4o-mini", "gen_ai.usage.input_tokens": 100 + turn,
                "gen_ai.usage.output_tokens": turn,
            })  # fmt: skip
            self.span("execute_tool search", chat, begun + self.step, begun + self.step + self.step // 2, {
                "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search",
            })  # fmt: skip

    def span(
        self, name: str, parent: ProtoSpan | None, start: int, end: int, attributes: dict[str, str | int]
    ) -> ProtoSpan:
        made = ProtoSpan(trace_id=self.trace_id, name=name, start_time_unix_nano=start, end_time_unix_nano=end, kind=1)
        made.span_id = hashlib.sha256(self.salt.encode() + bytes([len(self.spans)])).digest()[:8]
        made.parent_span_id = b"" if parent is None else parent.span_id
        for key, value in attributes.items():
            if isinstance(value, int):
                made.attributes.add(key=key).value.int_value = value
            else:
                made.attributes.add(key=key).value.string_value = value
        self.spans.append(made)
        return made


def body(*spans: ProtoSpan) -> bytes:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.add(key="service.name").value.string_value = "arrival"
    resource_spans.scope_spans.add().spans.extend(spans)
    return request.SerializeToString()


def chunks(spans: list[ProtoSpan], number: int) -> list[bytes]:
    return [body(*spans[index::number]) for index in range(number) if spans[index::number]]


def shuffled(spans: list[ProtoSpan], seed: int) -> list[ProtoSpan]:
    return random.Random(seed).sample(spans, len(spans))


Deliver = Callable[[Stack, Run], None]


def at_once(stack: Stack, run: Run) -> None:
    assert send_grpc(stack, body(*run.spans)) == b""


def children_first_in_56_requests(stack: Stack, run: Run) -> None:
    for part in [body(span) for span in run.spans[:0:-1]]:
        assert send_grpc(stack, part) == b""
    assert send_grpc(stack, body(run.root)) == b""


def shuffled_in_56_requests(stack: Stack, run: Run) -> None:
    parts = chunks(shuffled(run.spans, 3), 56)
    assert len(parts) == 56
    for part in parts:
        assert send_http(stack, part) == b""


def the_root_after_the_rest_was_settled(stack: Stack, run: Run) -> None:
    assert send_grpc(stack, body(*run.spans[1:])) == b""
    stack.wait_settled(60, run.trace_id.hex())
    assert send_grpc(stack, body(run.root)) == b""


def thrice_and_cut_differently_each_time(stack: Stack, run: Run) -> None:
    for number in (1, 5, 57):
        for part in chunks(shuffled(run.spans, number), number):
            assert send_grpc(stack, part) == b""


def twice_in_one_request(stack: Stack, run: Run) -> None:
    assert send_grpc(stack, body(*run.spans, *reversed(run.spans))) == b""


WAYS: list[tuple[Deliver, int]] = [
    (at_once, SECOND),
    (children_first_in_56_requests, SECOND),
    (shuffled_in_56_requests, SECOND),
    (the_root_after_the_rest_was_settled, SECOND),
    (thrice_and_cut_differently_each_time, SECOND),
    (twice_in_one_request, SECOND),
    (shuffled_in_56_requests, 3 * DAY // (2 * TURNS)),
    (at_once, 3 * DAY // (2 * TURNS)),
    (at_once, 3 * DAY),  # 168 days in one request: more partitions than one insert may touch
    (shuffled_in_56_requests, 3 * DAY),
]
NAMES = [f"{deliver.__name__}, {2 * TURNS * step / DAY:.3g} days" for deliver, step in WAYS]


@pytest.fixture(scope="module")
def runs(stack: Stack) -> list[Run]:
    """One run delivered in each way, request by request; settled. The runs do not wait for each other."""
    made = [Run(f"arrival {number}", step) for number, (_, step) in enumerate(WAYS)]
    side_by_side(functools.partial(deliver, stack, run) for (deliver, _), run in zip(WAYS, made, strict=True))
    stack.wait_settled()
    return made


@pytest.mark.parametrize("number", range(len(WAYS)), ids=NAMES)
def test_figures_and_tree(stack: Stack, runs: list[Run], number: int) -> None:
    run = runs[number]
    tokens = sum(100 + turn for turn in range(TURNS)), sum(range(TURNS))
    cost = pytest.approx(tokens[0] * INPUT + tokens[1] * OUTPUT)
    trace = stack.api(f"traces/{run.trace_id.hex()}/", limit=100)
    assert [trace[name] for name in ("span_count", "llm_calls", "tool_calls", "input_tokens", "output_tokens")] == [
        1 + 2 * TURNS, TURNS, TURNS, *tokens,
    ]  # fmt: skip
    assert (trace["cost_usd"], trace["agent"], trace["service"], trace["errors"]) == (cost, "planner", "arrival", 0)
    assert trace["duration_ns"] == run.root.end_time_unix_nano - run.root.start_time_unix_nano
    assert {(span["session_id"], span["agent"]) for span in trace["spans"]} == {
        (f"conversation of {run.salt}", "planner")
    }

    key = f"trace_id = '{run.trace_id.hex()}'"
    (spans,) = stack.sql(f"SELECT count(), sum(input_tokens), sum(output_tokens), sum(cost_usd) FROM spans WHERE {key}")
    assert [int(spans[0]), int(spans[1]), int(spans[2]), spans[3]] == [1 + 2 * TURNS, *tokens, cost]
    for view, count in (("llm_calls", TURNS), ("tool_calls", TURNS), ("traces", 1), ("otel_traces", 1 + 2 * TURNS)):
        where = key.replace("trace_id", "TraceId") if view == "otel_traces" else key
        assert int(stack.sql(f"SELECT count() FROM {view} WHERE {where}")[0][0]) == count, view
    (session,) = stack.sql(
        f"SELECT traces, span_count, llm_calls, input_tokens, cost_usd FROM sessions"
        f" WHERE session_id = 'conversation of {run.salt}'"
    )
    assert [int(session[0]), int(session[1]), int(session[2]), int(session[3]), session[4]] == [
        1, 1 + 2 * TURNS, TURNS, tokens[0], cost,
    ]  # fmt: skip

    tree = stack.api(f"traces/{run.trace_id.hex()}/columns/?plain=1")
    assert tree["depth"] == [0, *[1, 2] * TURNS]
    assert tree["id"] == [span.span_id.hex() for span in run.spans]
    # The tool begins when its call is over, as with streaming SDKs; nothing else is odd.
    assert set(tree["flags"]) <= {0, 4}


# Parents that are odd


@dataclass
class Odd:
    """What is done to the spans of a run, and the roots that its tree then has."""

    change: Callable[[Run], None]
    roots: int
    flag: int
    flagged: int


def orphan(run: Run) -> None:
    for span in run.spans[1::2]:
        span.parent_span_id = hashlib.sha256(span.span_id).digest()[:8]


def ring(run: Run) -> None:
    run.root.parent_span_id = run.spans[2].span_id


def own_parent(run: Run) -> None:
    for span in run.spans[2::2]:
        span.parent_span_id = span.span_id


def early(run: Run) -> None:
    """The clock of the machine with the tools is 90 s behind."""
    for span in run.spans[2::2]:
        span.start_time_unix_nano -= 90 * SECOND
        span.end_time_unix_nano -= 90 * SECOND


ODD = {
    "orphans": Odd(orphan, 1 + TURNS, 1, TURNS),
    "a ring": Odd(ring, 1, 2, 1),
    "spans that are their own parents": Odd(own_parent, 1 + TURNS, 2, TURNS),
    "children before their parents": Odd(early, 1, 8, TURNS),
}


@pytest.fixture(scope="module")
def odd_runs(stack: Stack) -> dict[str, Run]:
    made = {}
    for name, odd in ODD.items():
        run = made[name] = Run(f"odd: {name}")
        odd.change(run)
        for part in chunks(shuffled(run.spans, 1), 4):
            assert send_grpc(stack, part) == b""
    stack.wait_settled()
    return made


@pytest.mark.parametrize("name", ODD)
def test_odd_parents_and_clocks(stack: Stack, odd_runs: dict[str, Run], name: str) -> None:
    run, odd = odd_runs[name], ODD[name]
    trace = stack.api(f"traces/{run.trace_id.hex()}/")
    assert [trace[figure] for figure in ("span_count", "llm_calls", "tool_calls", "input_tokens")] == [
        1 + 2 * TURNS, TURNS, TURNS, sum(100 + turn for turn in range(TURNS)),
    ]  # fmt: skip
    begun = min(span.start_time_unix_nano for span in run.spans)
    assert trace["duration_ns"] == max(span.end_time_unix_nano for span in run.spans) - begun
    tree: dict[str, Any] = stack.api(f"traces/{run.trace_id.hex()}/columns/?plain=1")
    assert sorted(tree["id"]) == sorted(span.span_id.hex() for span in run.spans)
    assert tree["depth"].count(0) == odd.roots
    assert sum(1 for flags in tree["flags"] if flags & odd.flag) == odd.flagged
    assert min(tree["start"]) == 0
    assert min(tree["self"]) >= 0
