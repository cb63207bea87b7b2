"""B9: attribute names without end are stored, but not under their own names; nobody else notices."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry, Counter

from ingest.name_budget import ALWAYS, DAY_S, NameBudget
from tests.clickhouse.spans import span
from tests.ingest.receiving import Running, request
from tracestore.clickhouse.columns import hot_attributes, payload_attributes
from tracestore.clickhouse.typed_values import OVERFLOW, unfolded
from tracestore.spans.model import Attributes, Resource, Span
from tracestore.spans.semconv import payload

MOST = 3


class Held:
    """A budget with a clock of its own, and what it counted."""

    def __init__(self, most: int = MOST) -> None:
        self.now = 1000.0
        self._counter = Counter("beyond", "For the test.", registry=CollectorRegistry())
        self.budget = NameBudget(most, self._counter, lambda: self.now)

    @property
    def beyond(self) -> int:
        return int(self._counter._value.get())

    def hold(self, attributes: Attributes, project: str = "alpha", resource: Attributes | None = None) -> Span:
        made = span(1, attributes=attributes, payload_attributes=payload.payload_attributes(attributes))
        made.record.resource = Resource(resource or {})
        self.budget.hold(project, [made])
        return made


@pytest.fixture
def held() -> Held:
    return Held()


def hot_names(span: Span) -> list[str]:
    found, _ = hot_attributes([span])
    return [name for name, _ in found[0].as_py()]


def test_names_beyond_the_budget_go_to_the_payload_and_none_is_lost(held: Held) -> None:
    span = held.hold({f"user.{number}.seen": number for number in range(10)})
    assert hot_names(span) == ["user.0.seen", "user.1.seen", "user.2.seen"]
    assert payload_attributes(span)[0] == "{" + ",".join(f'"user.{n}.seen":{n}' for n in range(3, 10)) + "}"
    assert held.beyond == 7
    assert hot_names(held.hold({"user.1.seen": 1, "new": 2})) == ["user.1.seen"], "a name that was let in stays in"


def test_other_projects_and_other_days_begin_anew(held: Held) -> None:
    names: Attributes = {"a": 1, "b": 2, "c": 3}
    held.hold(names)
    assert hot_names(held.hold({"d": 4})) == []
    assert hot_names(held.hold({"d": 4}, "beta")) == ["d"]
    held.now += DAY_S
    assert hot_names(held.hold({"d": 4})) == ["d"]


def test_doing_it_again_changes_and_counts_nothing(held: Held) -> None:
    span = held.hold({str(number): number for number in range(5)}, resource={f"r{n}": n for n in range(5)})
    before = span.payload_attributes, dict(span.record.resource.attributes), held.beyond
    held.budget.hold("alpha", [span])
    assert (span.payload_attributes, span.record.resource.attributes, held.beyond) == before


def test_what_conventions_read_and_what_is_payload_is_let_in_and_not_counted(held: Held) -> None:
    held.hold({"a": 1, "b": 2, "c": 3})
    known: Attributes = {"gen_ai.request.model": "m", "user.id": "u", "http.response.status_code": 429}
    messages: Attributes = {f"llm.input_messages.{n}.message.content": "hi" for n in range(50)}
    span = held.hold({**known, **messages, "note": "x" * 600})
    assert hot_names(span) == list(known)
    assert held.beyond == 0


def test_names_of_large_values_count_too(held: Held) -> None:
    for number in range(20):
        held.hold({f"k{number}": "x" * 600})
    assert held.beyond == 0, "they are payload as it is"
    for number in range(20):
        held.hold({f"k{number}": "x"})
    assert held.beyond == 20 - MOST


def test_resources_are_held_too_and_read_as_sent(held: Held) -> None:
    sent: Attributes = {"service.name": "shop", **{f"pod.{n}": n / 2 for n in range(8)}, "labels": ["a", 1]}
    span = held.hold({}, resource=dict(sent))
    stored = span.record.resource.attributes
    assert list(stored) == [*list(sent)[: 1 + MOST], OVERFLOW]
    assert isinstance(stored[OVERFLOW], str)
    assert unfolded(stored) == sent
    more = held.hold({}, resource={**stored, "later": True}).record.resource.attributes
    assert unfolded(more) == {**sent, "later": True}


def test_a_senders_own_attribute_of_that_name_is_left_alone() -> None:
    for odd in ("no JSON", "[1]", 7):
        assert unfolded({OVERFLOW: odd}) == {OVERFLOW: odd}


def test_the_memory_of_names_is_bounded(held: Held) -> None:
    for number in range(200):
        held.hold({f"a{number}.{n}": "x" for n in range(100)})
    assert len(held.budget._projects["alpha"].passing) == len(ALWAYS) + MOST


def test_no_limit() -> None:
    free = Held(0)
    assert len(hot_names(free.hold({str(number): 1 for number in range(50)}))) == 50


def test_a_receiver_holds_to_it_and_counts(start: Callable[..., Running]) -> None:
    receiver = start(attribute_names=MOST)
    message = request("one")
    for number in range(10):
        message.resource_spans[0].scope_spans[0].spans[0].attributes.add(key=f"k{number}").value.int_value = number
    assert receiver.post(message.SerializeToString()).status_code == 200
    ((_, kept),) = receiver.writer.rows
    assert len(kept.record.attributes) == 11
    assert kept.record.resource.attributes == {"service.name": "bot"}
    over = len(kept.payload_attributes)
    assert over >= 10 - MOST
    assert f"tracestore_ingest_attributes_beyond_names_total {float(over)}" in receiver.server.metrics.page().decode()
