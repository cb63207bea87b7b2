"""The ledger tells what came again; the memory behind it is bounded and decides nothing."""

from __future__ import annotations

from receiving import Running, body_of, partial, request

from ingest.repeats import Repeats
from tracestore.spans.model import Span, SpanRecord


def spans(*numbers: int, trace: str = "01" * 16, start: int = 1) -> list[Span]:
    return [Span(SpanRecord(trace, f"{number:016x}", "", "span", start, 2)) for number in numbers]


def test_what_came_before() -> None:
    repeats = Repeats()
    assert not repeats.again("a", spans(1, 2))
    assert repeats.again("a", spans(1, 2))
    others = [spans(1), spans(2), spans(2, 1), spans(1, 2, 3), spans(1, 2, trace="02" * 16), spans(1, 2, start=2)]
    assert not any(repeats.again("a", other) for other in others)
    assert not repeats.again("b", spans(1, 2))


def test_the_oldest_is_forgotten_first() -> None:
    repeats = Repeats(remembered=3)
    for number in range(4):
        assert not repeats.again("a", spans(number))
    assert [repeats.again("a", spans(number)) for number in (3, 2, 1)] == [True, True, True]
    assert not repeats.again("a", spans(0))


def test_the_same_request_three_times_is_written_and_answered_three_times(receiver: Running) -> None:
    body = body_of(*[f"span{i}" for i in range(1_000)], bad=2)
    for transport in (receiver.call, lambda body: receiver.post(body).content, receiver.call):
        assert partial(transport(body))[1] == 2
    assert len(receiver.writer.rows) == 3_000
    receiver.assert_balanced(received=3_006, stored=1_000, deduplicated=2_000, rejected=6)


def test_a_request_that_is_cut_differently_counts_as_stored(receiver: Running) -> None:
    """Honest: the ledger does not know these; the table does."""
    message = request("one", "two")
    receiver.call(message.SerializeToString())
    del message.resource_spans[0].scope_spans[0].spans[1]
    receiver.call(message.SerializeToString())
    receiver.assert_balanced(received=3, stored=3, deduplicated=0)
