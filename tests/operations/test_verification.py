"""`verify_store` names what is wrong; tests/e2e/test_operations.py shows it on a real store."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tracestore.verification import checks
from tracestore.verification.cycles import Verification
from tracestore.verification.front_door import FrontDoor, RequestFailed
from tracestore.verification.traces import SERVICE, SentTrace, export, tell

AT = 1_800_000_000 * 10**9


def test_equal_seeds_and_times_tell_equal_traces_and_others_do_not() -> None:
    assert tell(7, AT, 1) == tell(7, AT, 1)
    assert len({trace.trace_id for trace in (tell(7, AT, 1), tell(7, AT, 2), tell(8, AT, 1), tell(7, AT + 1, 1))}) == 4


def test_a_trace_has_all_that_is_checked() -> None:
    trace = tell(7, AT, 1)
    figures = trace.figures()
    assert figures["errors"] == 1
    assert min(figures.values()) > 0
    assert {span.type for span in trace.spans} == {"agent", "llm", "tool"}
    assert sum(trace.word in span.output for span in trace.spans) == 1
    assert max(span.end_ns for span in trace.spans) <= AT
    request = ExportTraceServiceRequest.FromString(export(trace).SerializeToString())
    assert len(request.resource_spans[0].scope_spans[0].spans) == len(trace.spans)


@dataclass
class Door(FrontDoor):
    """A store that gives back what it was sent, but for what `spoil` does to it."""

    otlp: str = ""
    web: str = ""
    sql: str = ""
    project: str = ""
    key: str = ""
    sql_user: str = ""
    sql_password: str = ""
    spoil: Callable[[dict[str, Any]], None] = lambda held: None
    held: dict[str, dict[str, Any]] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)

    def send(self, trace: SentTrace) -> None:
        self.sent.append(trace.trace_id)
        spans = [
            {
                "span_id": span.span_id, "parent_span_id": span.parent_span_id, "name": span.name, "type": span.type,
                "service": SERVICE, "session_id": trace.session_id, "duration_ns": span.end_ns - span.start_ns,
                "input_tokens": span.input_tokens, "output_tokens": span.output_tokens,
                "status": "error" if span.error else "unset",
            }
            for span in trace.spans
        ]  # fmt: skip
        summary = {"trace_id": trace.trace_id, "session_id": trace.session_id, **trace.figures()}
        held = {"id": {**summary, "spans": spans}, "list": summary, "word": 1, "fields": 1, "sql": trace.figures()}
        held = copy.deepcopy(held)
        self.spoil(held)
        self.held[trace.trace_id] = held

    def trace(self, trace_id: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.held[trace_id]["id"]
        return found

    def listed(self, trace_id: str, since: str, until: str, q: str = "") -> dict[str, Any] | None:
        held = self.held[trace_id]
        found = held["list"] if not q else held["fields" if q.startswith("service:") else "word"]
        return found or None

    def sums(self, trace_id: str) -> dict[str, int | float]:
        found = self.held[trace_id]["sql"]
        if found is None:
            raise RequestFailed("http://127.0.0.1/: 503")
        return dict(found)


def put(part: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda held: held.__setitem__(part, value)


SPOILED: dict[str, tuple[Callable[[dict[str, Any]], None], set[str]]] = {
    "nothing": (lambda held: None, set()),
    "no trace": (put("id", None), {"notfound_byid"}),
    "not listed": (put("list", None), {"notfound_list"}),
    "word": (put("word", None), {"notfound_search"}),
    "field": (put("fields", None), {"notfound_search_attribute"}),
    "sql does not answer": (put("sql", None), {"requestfailed"}),
    "no rows": (lambda held: held["sql"].update(span_count=0), {"notfound_sql"}),
    "a span too few": (lambda held: held["id"]["spans"].pop(), {"missingspans"}),
    "a span twice": (lambda held: held["id"]["spans"].append(held["id"]["spans"][0]), {"doubledspans"}),
    "another parent": (
        lambda held: held["id"]["spans"][2].update(parent_span_id="0" * 16), {"incorrectresult"},
    ),
    "an error lost": (
        lambda held: [span.update(status="unset") for span in held["id"]["spans"]], {"incorrectresult"},
    ),
    "a token too many": (
        lambda held: held["list"].update(input_tokens=held["list"]["input_tokens"] + 1), {"incorrect_sums"},
    ),
    "no cost": (lambda held: held["id"].update(cost_usd=None), {"incorrect_sums"}),
    "cost twice in sql": (
        lambda held: held["sql"].update(cost_usd=2 * held["sql"]["cost_usd"]), {"incorrect_sql_sums"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILED)
def test_each_kind_of_loss_has_its_name(name: str) -> None:
    spoil, kinds = SPOILED[name]
    door = Door(spoil=spoil)
    trace = tell(7, AT, 1)
    door.send(trace)
    assert {failure.kind for failure in checks.look(door, trace)} == kinds
    assert kinds <= set(checks.KINDS)


def verification(door: FrontDoor) -> Verification:
    now = [0.0]
    return Verification(
        door, 5.0, lambda line: None, clock=lambda: now[0], sleep=lambda s: now.__setitem__(0, now[0] + s)
    )


def test_what_is_late_is_no_failure_and_what_never_comes_is() -> None:
    door = Door()
    asked = [0]
    honest = door.sums

    def late(trace_id: str) -> dict[str, int | float]:
        asked[0] += 1
        return dict.fromkeys(honest(trace_id), 0) if asked[0] <= 3 else honest(trace_id)

    door.sums = late  # type: ignore[method-assign]
    outcome = verification(door).cycles(lambda cycle: [tell(7, AT + cycle, 0)], 2)
    assert not outcome.failures
    assert outcome.lags == [pytest.approx(0.6), 0.0]
    assert outcome.traces == 2
    assert len(door.sent) == 4  # the first of each cycle is sent twice

    never = verification(Door(spoil=put("word", None))).cycles(lambda cycle: [tell(7, AT, 0)], 1)
    assert set(never.by_kind().items()) >= {("notfound_search", 2)}  # in its cycle and at the end
    assert never.lags == []


def test_a_refused_trace_is_a_failure_and_is_not_looked_for() -> None:
    door = Door()

    def refuse(trace: SentTrace) -> None:
        raise RequestFailed("503")

    door.send = refuse  # type: ignore[method-assign]
    outcome = verification(door).cycles(lambda cycle: [tell(7, AT, 0)], 1)
    assert [failure.kind for failure in outcome.failures] == ["requestfailed"]
    assert outcome.traces == 0
