"""Group commit and the search for spans that the store refuses, without transports."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest
from receiving import FakeWriter, balanced

from ingest.commit import GroupCommit
from ingest.limits import IngestLimits
from ingest.metrics import Metrics
from ingest.store import NOT_STORABLE, Store
from tracestore.errors import InvalidInput, Unavailable
from tracestore.spans.model import Span, SpanRecord


def spans(*names: str) -> list[Span]:
    return [Span(SpanRecord("01" * 16, "02" * 8, "", name, 1, 2)) for name in names]


def store(writer: FakeWriter, *, bisect_writes: int = 256) -> Store:
    return Store(writer, lambda spans: None, Metrics(), bisect_writes=bisect_writes)


def refuse(batch: Sequence[tuple[str, Span]]) -> None:
    if any(span.record.name.startswith("guilty") for _, span in batch):
        raise InvalidInput("no")


# One insert


def test_the_guilty_spans_of_several_exports_are_told_to_their_senders() -> None:
    writer = FakeWriter()
    writer.trouble = refuse
    exports = [("a", spans("1", "guilty1", "2")), ("b", spans("3")), ("a", spans("guilty2", "guilty3"))]
    assert store(writer).save(exports) == [{NOT_STORABLE: 1}, {}, {NOT_STORABLE: 2}]
    assert writer.names() == ["1", "2", "3"]


def test_a_single_guilty_span() -> None:
    writer = FakeWriter()
    writer.trouble = refuse
    assert store(writer).save([("a", spans("guilty"))]) == [{NOT_STORABLE: 1}]


def test_the_search_is_bounded() -> None:
    writer = FakeWriter()
    tries = 0

    def count(batch: Any) -> None:
        nonlocal tries
        tries += 1
        refuse(batch)

    writer.trouble = count
    (outcome,) = store(writer, bisect_writes=20).save([("a", spans(*[f"guilty{i}" for i in range(1_000)]))])
    assert outcome == {NOT_STORABLE: 1_000}
    assert tries == 21


def test_a_store_that_goes_away_during_the_search() -> None:
    writer = FakeWriter()

    def leave(batch: Sequence[tuple[str, Span]]) -> None:
        refuse(batch)
        if any(span.record.name == "late" for _, span in batch):
            raise Unavailable("down")

    writer.trouble = leave
    early, late = store(writer).save([("a", spans("1", "guilty")), ("b", spans("late", "2"))])
    assert early == {NOT_STORABLE: 1}
    assert isinstance(late, Unavailable)


def test_rules_see_each_project_alone_and_a_defect_in_them_costs_nothing() -> None:
    seen: list[list[str]] = []

    def resolve(of_project: Sequence[Span]) -> None:
        seen.append([span.record.name for span in of_project])
        raise RuntimeError("defect")

    writer = FakeWriter()
    saved = Store(writer, resolve, Metrics()).save([("a", spans("1")), ("b", spans("2")), ("a", spans("3"))])
    assert saved == [{}, {}, {}]
    assert seen == [["1", "3"], ["2"]]
    assert writer.names() == ["1", "2", "3"]


# The queue


class Queue:
    """A group commit with its writer, inside a running loop."""

    def __init__(self, **limits: Any) -> None:
        self.metrics = Metrics()
        self.writer = FakeWriter()
        self.commit = GroupCommit(
            Store(self.writer, lambda spans: None, self.metrics), IngestLimits(**limits), self.metrics
        )

    async def save(self, count: int = 1, size: int = 100) -> None:
        self.metrics.received(count)
        await self.commit.submit("a", spans(*["span"] * count), size).done

    async def together(self, exports: int, count: int = 1, size: int = 100) -> None:
        await asyncio.gather(*(self.save(count, size) for _ in range(exports)))


def test_the_first_export_does_not_wait() -> None:
    async def scenario() -> float:
        queue = Queue(gather_s=5)
        started = time.monotonic()
        await queue.save()
        return time.monotonic() - started

    assert asyncio.run(scenario()) < 1


def test_exports_that_come_together_go_together() -> None:
    async def scenario() -> list[int]:
        queue = Queue()
        await queue.together(50)
        return queue.writer.batches

    assert asyncio.run(scenario()) == [50]


def test_those_just_answered_are_waited_for() -> None:
    async def scenario() -> list[int]:
        queue = Queue(gather_s=5)
        await queue.together(3, count=10)
        again = []
        for _ in range(3):
            again.append(asyncio.create_task(queue.save(10)))
            await asyncio.sleep(0.02)
        await asyncio.gather(*again)
        return queue.writer.batches

    assert asyncio.run(scenario()) == [30, 30]


def test_senders_do_not_fall_into_halves_that_take_turns() -> None:
    async def scenario() -> list[int]:
        queue = Queue(gather_s=5)
        queue.writer.trouble = lambda batch: time.sleep(0.1)

        async def sender(late_s: float) -> None:
            await asyncio.sleep(late_s)
            for _ in range(3):
                await queue.save(10)

        await asyncio.gather(sender(0), sender(0), sender(0.03), sender(0.03))
        return queue.writer.batches

    batches = asyncio.run(scenario())
    assert batches[0] == 20  # the others came while it was written
    assert batches[1:3] == [40, 40]


def test_they_are_not_waited_for_longer_than_a_moment() -> None:
    async def scenario() -> list[int]:
        queue = Queue(gather_s=0.05, gather_row_s=0)
        await queue.together(3, count=10)
        await queue.save(10)
        return queue.writer.batches

    assert asyncio.run(scenario()) == [30, 10]


@pytest.mark.parametrize("count", [10, 2_600])
def test_nobody_waits_when_all_are_here(count: int) -> None:
    async def scenario() -> float:
        queue = Queue(gather_s=5)
        await queue.save(count)
        started = time.monotonic()
        await queue.save(count)
        return time.monotonic() - started

    assert asyncio.run(scenario()) < 2


@pytest.mark.parametrize(("second_rows", "most"), [(10, 2), (1_000_000, 1)])
def test_a_second_insert_starts_beside_the_first_when_enough_waits(second_rows: int, most: int) -> None:
    async def scenario() -> Queue:
        queue = Queue(second_rows=second_rows, commit_rows=20, gather_s=0.001)
        queue.writer.trouble = lambda batch: time.sleep(0.02)
        await queue.together(10, count=10)
        return queue

    queue = asyncio.run(scenario())
    assert queue.writer.most_writing == most
    assert max(queue.writer.batches) <= 20
    assert sum(queue.writer.batches) == 100


def test_inserts_are_limited_in_bytes_but_take_at_least_one_export() -> None:
    async def scenario() -> list[int]:
        queue = Queue(commit_bytes=250)
        await queue.together(4, size=100)
        await queue.save(size=1_000)
        return queue.writer.batches

    assert asyncio.run(scenario()) == [2, 2, 1]


def test_closing_refuses_what_waits() -> None:
    async def scenario() -> tuple[list[BaseException | None], dict[str, int]]:
        queue = Queue(gather_s=10)
        await queue.save(10)
        waiting = [asyncio.create_task(queue.save()) for _ in range(3)]
        await asyncio.sleep(0)
        queue.commit.close()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        return results, queue.metrics.ledger()

    results, ledger = asyncio.run(scenario())
    assert all(isinstance(result, Unavailable) for result in results)
    assert balanced(ledger)
    assert ledger["refused"] == 3
