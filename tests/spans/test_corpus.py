"""Every capture against its ground truth. Nothing is skipped: no captures is a failure."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import fields, replace

import corpus
import pytest

from tracestore.spans.messages import messages
from tracestore.spans.model import Span
from tracestore.spans.normalise import normalise
from tracestore.spans.resolve import resolve

CAPTURES = corpus.captures()


def test_there_are_captures() -> None:
    assert CAPTURES, f"no captures in {corpus.directory()}"


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)
def test_capture(capture: corpus.Path) -> None:
    judged = corpus.judge(capture)
    wrong = [check for check in judged.checks if not check.passes]
    assert not wrong, "\n".join(
        [
            *(f"{c.name}: found {c.found!r}, truth {c.truth!r}, accepted {c.accepted!r}" for c in wrong),
            "",
            *_table(judged.combo),
        ]
    )


def _table(combo: str) -> list[str]:
    """How each measure fares over all captures of a combo."""
    counted: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for capture in CAPTURES:
        if capture.name.startswith(combo + "."):
            for check in corpus.judge(capture).checks:
                numbers = counted[check.name]
                numbers[0] += 1
                numbers[1] += check.exact
                numbers[2] += check.passes
    lines = [f"{name:18} {n[1]:4} {n[2]:4} {n[0]:4}" for name, n in counted.items()]
    return [f"{combo}: exact, accepted, captures", *lines]


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)
def test_every_message_can_be_read(capture: corpus.Path) -> None:
    for span in corpus.resolved(capture):
        if span.type == "llm":
            conversation = messages(span.record.attributes, span.record.events, span.type)
            for message in [*conversation.input, *conversation.output]:
                assert all(part["type"] != "raw" for part in message.parts)


_COLUMNS = [field.name for field in fields(Span) if field.name != "record"]


def _by_id(spans: list[Span]) -> dict[str, list[object]]:
    return {span.record.span_id: [getattr(span, name) for name in _COLUMNS] for span in spans}


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)
def test_a_trace_that_arrives_in_pieces_resolves_the_same(capture: corpus.Path) -> None:
    """In any order, bit by bit, and from columns alone; and a second time changes nothing."""
    records = corpus.records(capture)
    whole = [normalise(record) for record in records]
    resolve(whole)
    assert resolve(whole) == []
    expected = _by_id(whole)

    pieces = [normalise(record) for record in records]
    for end in range(0, len(pieces), max(1, len(pieces) // 4)):
        resolve(pieces[:end])
    resolve(pieces)
    assert _by_id(pieces) == expected

    stored = [normalise(record) for record in records]
    random.Random(1).shuffle(stored)
    for span in stored:
        span.record = replace(span.record, attributes={}, events=[])
    resolve(stored)
    assert _by_id(stored) == expected
