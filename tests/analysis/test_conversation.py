"""A trace as one chat: what is repeated, what is new, what was cut, and what answers what."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.e2e.captures import Capture
from tests.pages.fake_reader import MS, span_row
from tracestore.analysis.conversation import answers, calls, compare, fingerprint
from tracestore.analysis.tree import build
from tracestore.clickhouse.rows import SpanRow
from tracestore.spans.decode import decode_protobuf
from tracestore.spans.messages import Conversation, Message, Part, messages
from tracestore.spans.model import Span
from tracestore.spans.normalise import normalise
from tracestore.spans.resolve import resolve

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


def said(role: str, text: str) -> Message:
    return Message(role, [{"type": "text", "text": text}])  # type: ignore[arg-type]


def asked(name: str, arguments: object = None, call_id: str = "") -> Part:
    return {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}


def gave(result: str, call_id: str = "") -> Part:
    return {"type": "tool_result", "id": call_id, "name": "", "result": result}


FIRST = Conversation(
    [said("system", "Be brief."), said("user", "Where is it?")], [Message("assistant", [asked("find", {"n": 1}, "c1")])]
)


def test_the_first_call_is_all_new() -> None:
    change = compare(None, FIRST)
    assert (change.kind, list(change.segments())) == ("first", [(False, 0, 2)])


def test_what_an_agent_sends_again_is_repeated_however_it_is_written() -> None:
    again = [*FIRST.input, Message("assistant", [asked("find", {"n": 1}), {"type": "reasoning", "text": "hm"}], "stop")]
    change = compare(FIRST, Conversation([*again, Message("tool", [gave("in Bonn", "c1")])]))
    assert (change.kind, change.repeated, change.gone) == ("continues", [True, True, True, False], 0)


def test_an_answer_that_comes_back_in_two_messages_is_repeated() -> None:
    both = Conversation([said("user", "x")], [Message("assistant", [{"type": "text", "text": "So:"}, asked("find")])])
    now = [said("user", "x"), said("assistant", "So:"), Message("assistant", [asked("find", {})]), said("user", "y")]
    assert compare(both, Conversation(now)).repeated == [True, True, True, False]


def test_a_cut_context_says_how_much_is_gone() -> None:
    long = Conversation([said("system", "s"), *(said("user", f"m{k}") for k in range(20))])
    now = Conversation([said("system", "s"), said("user", "Summary of m0 to m14"), *long.input[16:]])
    change = compare(long, now)
    assert (change.kind, change.gone) == ("cut", 15)
    assert list(change.segments()) == [(True, 0, 1), (False, 1, 2), (True, 2, 7)]


def test_a_new_conversation_of_the_same_agent_is_no_cut() -> None:
    change = compare(FIRST, Conversation([said("system", "Be brief."), said("user", "Another thing")]))
    assert (change.kind, change.repeated, change.instructions_changed) == ("anew", [True, False], False)
    assert compare(FIRST, Conversation([said("system", "Be long."), *FIRST.input[1:]])).instructions_changed


@given(st.lists(st.sampled_from("abc"), max_size=30), st.lists(st.sampled_from("abcd"), max_size=10))
def test_a_conversation_that_only_grows_is_repeated_and_then_new(old: list[str], new: list[str]) -> None:
    before = Conversation([said("user", text) for text in old])
    change = compare(before, Conversation([*before.input, *(said("user", f"new {text}") for text in new)]))
    assert change.repeated == [True] * len(old) + [False] * len(new)
    assert change.gone == 0


def test_results_answer_by_id_and_without_ids_in_order() -> None:
    output = [Message("assistant", [asked("a", call_id="1"), asked("b", call_id="2")])]
    following = [Message("tool", [gave("for 2", "2")]), Message("tool", [gave("for 1", "1")])]
    found = answers(output, following, [(7, "2", "b"), (6, "", "a")])
    assert [(one.result and one.result["result"], one.span) for one in found.values()] == [("for 1", 6), ("for 2", 7)]
    nameless = [Message("assistant", [asked("a"), asked("a")])]
    results = [Message("tool", [gave("old")]), Message("tool", [gave("x")]), Message("tool", [gave("y")])]
    found = answers(nameless, results, [(3, "", "a"), (4, "", "a"), (5, "", "other")])
    assert [(one.result and one.result["result"], one.span) for one in found.values()] == [("x", 3), ("y", 4)]


def test_a_result_that_never_came_is_none() -> None:
    found = answers([Message("assistant", [asked("a", call_id="1")])], [Message("tool", [gave("x", "9")])], [])
    assert [(one.result, one.span) for one in found.values()] == [(None, -1)]


def make(number: int, parent: int, span_type: str, start: int, agent: str = "a", **more: object) -> SpanRow:
    return span_row(
        "a" * 32, f"{number:016x}", f"{parent:016x}" if parent else "", span_type, type=span_type, agent=agent,
        start_ns=start * MS, end_ns=(start + 5) * MS, **more,
    )  # fmt: skip


def test_calls_know_their_neighbours_in_the_same_run_and_their_tools() -> None:
    spans = [
        make(1, 0, "agent", 0), make(2, 1, "llm", 1), make(3, 1, "tool", 10), make(4, 3, "agent", 11, "b"),
        make(5, 4, "llm", 12, "b"), make(6, 4, "tool", 20, "b"), make(7, 1, "llm", 30), make(8, 3, "tool", 13),
    ]  # fmt: skip
    found = calls(spans, build(spans))
    assert [(one.agent, one.step, one.previous, one.following) for one in found] == [
        ("a", 1, -1, 2), ("b", 1, -1, -1), ("a", 2, 0, -1),
    ]  # fmt: skip
    # The tool inside the tool of the same agent is that tool's own affair.
    assert [[spans[index].span_id[-1] for index in one.tools] for one in found] == [["3"], ["6"], []]


def test_fingerprints_tell_roles_and_contents_apart() -> None:
    different = [
        said("user", "x"), said("assistant", "x"), said("user", "y"), Message("user", [gave("x")]),
        Message("assistant", [asked("x")]), Message("assistant", [asked("x", {"a": 1})]), Message("user", []),
        Message("user", [{"type": "image", "mime_type": "image/png", "size": 3}]),
    ]  # fmt: skip
    assert len({fingerprint(message) for message in different}) == len(different)
    assert fingerprint(said("user", " x\n")) == fingerprint(said("user", "x"))


def spans_of(folder: str) -> list[list[Span]]:
    spans = [normalise(r) for body in Capture(GOLDEN / folder).bodies() for r in decode_protobuf(body).records]
    resolve(spans)
    spans.sort(key=lambda span: span.record.trace_id)
    return [list(group) for _, group in groupby(spans, key=lambda span: span.record.trace_id)]


def row_of(span: Span) -> SpanRow:
    record = span.record
    return span_row(
        record.trace_id, record.span_id, record.parent_span_id, record.name, type=span.type, agent=span.agent,
        start_ns=record.start_ns, end_ns=record.end_ns, tool_name=span.tool_name, tool_call_id=span.tool_call_id,
    )  # fmt: skip


#: Capture of a framework → (model calls in its largest trace, messages repeated in the last call of all, tool
#: calls asked for, of those how many have a result or the span that ran). What stays without an answer are
#: hand-overs and final answers written as tool calls: nothing ran for them.
FRAMEWORKS = {
    "adk-native_content.parallel.s2": (3, 5, 6, 6),
    "anthropic_sdk-openllmetry.session.s1": (3, 11, 2, 2),
    "crewai-openinference.multi_agent.s0": (10, 7, 7, 7),
    "langgraph-openinference.multi_agent.s6": (10, 7, 7, 7),
    "langgraph-openllmetry.multi_agent.s6": (10, 7, 7, 7),
    "openai_agents-openinference.multi_agent.s0": (10, 14, 9, 7),
    "pydantic_ai-native.multi_agent.s0": (10, 7, 7, 7),
    "smolagents-openinference.multi_agent.s6": (10, 6, 10, 5),
    "strands-native.multi_agent.s1": (10, 7, 7, 7),
}


@pytest.mark.parametrize("folder", FRAMEWORKS)
def test_captures_of_frameworks_read_as_one_chat(folder: str) -> None:
    spans = max(spans_of(folder), key=lambda group: sum(span.type == "llm" for span in group))
    rows = [row_of(span) for span in spans]
    found = calls(rows, build(rows))
    talks = [messages(spans[one.index].record.attributes, spans[one.index].record.events, "llm") for one in found]
    repeated = asked_for = answered = 0
    for one, talk in zip(found, talks, strict=True):
        change = compare(talks[one.previous] if one.previous >= 0 else None, talk)
        assert change.gone == 0
        assert change.kind in ("first", "continues")
        repeated = sum(change.repeated)
        following = talks[one.following].input if one.following >= 0 else []
        tools = [(index, rows[index].tool_call_id, rows[index].tool_name) for index in one.tools]
        for answer in answers(talk.output, following, tools).values():
            asked_for += 1
            answered += answer.result is not None or answer.span >= 0
    assert (len(found), repeated, asked_for, answered) == FRAMEWORKS[folder]
