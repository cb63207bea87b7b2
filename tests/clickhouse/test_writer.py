"""What was written is what is read, once, however often and however scattered it was sent."""

from __future__ import annotations

import pytest

from tests.clickhouse.spans import SECOND, START, llm, span
from tracestore.clickhouse import client
from tracestore.clickhouse.reader import get_reader
from tracestore.clickhouse.writer import SpanWriter
from tracestore.errors import NotFound
from tracestore.spans.model import Event, Link, Resource, Scope, Span


def write(*spans: Span, project: str = "default") -> None:
    SpanWriter().write([(project, one) for one in spans])


def count(view: str) -> int:
    found: int = client.run(f"SELECT count() FROM {view}").result_rows[0][0]
    return found


def test_everything_received_comes_back_with_its_type() -> None:
    attributes = {
        "text": "naïve ☃",
        "whole": 2**53 + 1,
        "half": 0.5,
        "yes": True,
        "no": False,
        "list": ["a", 1],
        "map": {"k": [1]},
        "nothing": None,
        "long": "x" * 2000,
    }
    events = [
        Event(START + 5, "exception", {"exception.message": "boom", "n": 1}, 3),
        Event(START + 6, "big", {"t": "y" * 3000}),
    ]
    links = [Link("a" * 32, "b" * 16, "", {"why": "retry", "n": 2}, 0x301, 4)]
    sent = span(
        1, attributes=attributes, events=events, links=links,
        input="in", output="out", payload_attributes=frozenset({"long"}), status="error", status_message="failed",
    )  # fmt: skip
    resource = {"service.name": "shop", "process.pid": 7, "args": ["a"], "off": False}
    sent.record.resource = Resource(resource, "shop", "https://example.org/schemas/1", 5)
    sent.record.scope = Scope("tests", "1", {"retries": 3, "team": "cart"}, "https://example.org/schemas/2", 6)
    sent.record.flags = 0x101
    sent.record.dropped_events, sent.record.dropped_links = 2, 2**40
    write(sent)
    found = get_reader().span("default", sent.record.trace_id, sent.record.span_id)
    assert found.attributes == attributes
    assert found.resource_attributes == sent.record.resource.attributes
    assert found.scope_attributes == sent.record.scope.attributes
    assert (found.dropped_events, found.dropped_links) == (2, 2**32 - 1)
    assert [(event.time_ns, event.name, event.attributes, event.dropped_attributes) for event in found.events] == [
        (event.time_ns, event.name, event.attributes, event.dropped_attributes) for event in events
    ]
    (found_link,) = found.links
    assert (found_link.trace_id, found_link.span_id, found_link.attributes) == ("a" * 32, "b" * 16, links[0].attributes)
    assert (found_link.flags, found_link.dropped_attributes) == (0x301, 4)
    assert (found.envelope.flags, found.envelope.resource_dropped, found.envelope.scope_dropped) == (0x101, 5, 6)
    told = client.run("SELECT flags, resource_schema_url, scope_schema_url FROM spans").result_rows
    assert told == [(0x101, "https://example.org/schemas/1", "https://example.org/schemas/2")]
    assert (found.input, found.output) == ("in", "out")
    assert (found.row.start_ns, found.row.end_ns, found.row.duration_ns) == (START + SECOND, START + 2 * SECOND, SECOND)
    assert (found.row.status, found.row.status_message) == ("error", "failed")


def test_an_envelope_costs_nothing_where_nothing_was_sent_and_is_not_handed_on() -> None:
    """Spans share resource and scope; what one has of its own links and events stays with it."""
    plain, told = span(1), span(2, links=[Link("a" * 32, "b" * 16, flags=1)])
    flagged, last = span(3), span(4, events=[Event(START, "e")])
    for one in (told, flagged, last):
        one.record.resource, one.record.scope = plain.record.resource, plain.record.scope
    flagged.record.flags = 257
    write(plain, told, flagged, last)
    assert client.run("SELECT envelope FROM spans ORDER BY span_id").result_rows == [
        ("",), ('{"link_flags":[1]}',), ('{"flags":257}',), ("",),
    ]  # fmt: skip


def test_types_cost_nothing_where_all_values_are_texts() -> None:
    """And a span's own events never leave their types with the next span of the same resource."""
    typed = span(1, events=[Event(START, "plain", {}), Event(START, "typed", {"n": 1})])
    plain = span(2, events=[Event(START, "plain", {"text": "x"})])
    plain.record.resource, plain.record.scope = typed.record.resource, typed.record.scope
    write(typed, plain)
    assert client.run("SELECT span_id, other_types FROM spans ORDER BY span_id").result_rows == [
        (f"{1:016x}", '{"events":[{},{"n":"i"}]}'), (f"{2:016x}", ""),
    ]  # fmt: skip


def test_payload_text_is_kept_once_and_given_back() -> None:
    text = "word " * 500
    sent = span(1, attributes={"input.value": text}, payload_attributes=frozenset({"input.value"}), input=text)
    write(sent)
    assert client.run("SELECT attributes, input_attribute FROM span_payloads").result_rows == [("", "input.value")]
    found = get_reader().span("default", sent.record.trace_id, sent.record.span_id)
    assert (found.attributes, found.input) == ({"input.value": text}, text)


def test_writing_again_changes_nothing() -> None:
    for _ in range(3):
        write(span(1), llm(2, parent=1), llm(3, parent=1))
    assert (count("spans"), count("span_payloads"), count("traces")) == (3, 0, 1)
    assert client.run("SELECT sum(input_tokens), sum(cost_usd) FROM spans").result_rows == [(200, pytest.approx(0.002))]
    assert client.run("SELECT span_count, input_tokens, llm_calls FROM traces").result_rows == [(3, 200, 2)]


def test_the_later_of_two_versions_wins() -> None:
    write(span(1, name="before"))
    write(span(1, name="after"))
    assert client.run("SELECT name FROM spans").result_rows == [("after",)]


def test_the_same_trace_id_in_two_projects_stays_apart() -> None:
    write(span(1, name="mine"), project="one")
    write(span(1, name="theirs"), span(2), project="two")
    assert [row.name for row in get_reader().spans("one", f"{1:032x}")] == ["mine"]
    assert get_reader().trace("two", f"{1:032x}").span_count == 2
    with pytest.raises(NotFound):
        get_reader().trace("three", f"{1:032x}")


def test_a_batch_over_hundreds_of_days() -> None:
    day = 86_400 * SECOND
    write(*(span(number, start=START - number * day) for number in range(250)))
    assert (count("spans"), count("traces")) == (250, 1)


def test_odd_text_is_stored_not_refused() -> None:
    write(span(1, name="nul \x00 in it", attributes={"lone \ud800": "\udfff"}, agent="\u202eevil"))
    assert client.run("SELECT name, agent, mapKeys(attributes) FROM spans").result_rows == [
        ("nul \x00 in it", "\u202eevil", ["lone ?"])
    ]


def test_extreme_numbers_are_clamped() -> None:
    write(llm(1, input_tokens=2**70, output_tokens=-5, end_ns=0))
    assert client.run("SELECT input_tokens, output_tokens, duration_ns FROM spans").result_rows == [(2**64 - 1, 0, 0)]
