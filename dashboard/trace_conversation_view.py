"""A trace's model calls as one chat, ready to be shown: what is new in each call, tool calls with their results.

Pure. `tracestore/analysis/conversation.py` tells what is new and what answers what; here it becomes texts that
cannot do anything, within a budget for each page of calls. What is left out is counted, and loaded when asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dashboard.conversation_view import (
    Budget,
    MessageView,
    PartView,
    ToolRun,
    is_paired,
    message_view,
    paired_results,
)
from dashboard.payload_view import payload_view
from dashboard.visible_text import visible
from tracestore.analysis.conversation import Answer, Call, Change, answers, compare
from tracestore.clickhouse.rows import SpanRow
from tracestore.spans.messages import Conversation, Message, Part

#: Messages of one call shown at once; earlier ones are loaded when asked for.
MESSAGES_AT_ONCE = 30
#: Tool spans of one call that no tool call of its answer names.
TOOLS_AT_ONCE = 20


@dataclass(slots=True)
class Block:
    """Neighbouring input messages [first, last) of a call: shown, or only counted (`messages` is empty then)."""

    first: int
    last: int
    repeated: bool
    messages: list[MessageView] = field(default_factory=list)

    @property
    def count(self) -> int:
        return self.last - self.first


@dataclass(slots=True)
class Entry:
    """One model call. `number` counts from 1 in the trace; `since` is the step that the call is read against."""

    row: SpanRow
    number: int
    agent: str
    step: int
    change: Change
    since: int
    agent_changed: bool
    blocks: list[Block]
    output: list[MessageView]
    tools: list[MessageView]
    tools_hidden: int
    nothing_recorded: bool
    error: str


def entries(
    spans: Sequence[SpanRow],
    calls: Sequence[Call],
    numbers: Sequence[int],
    talks: Mapping[int, Conversation],
) -> list[Entry]:
    """The calls `numbers` of a trace. `talks` holds their messages by number, with those of their neighbours."""
    budget = Budget()
    return [entry(spans, calls, number, talks, budget) for number in numbers]


def entry(
    spans: Sequence[SpanRow], calls: Sequence[Call], number: int, talks: Mapping[int, Conversation], budget: Budget
) -> Entry:
    call = calls[number]
    row = spans[call.index]
    talk = talks.get(number, Conversation())
    before = talks.get(call.previous)
    change = compare(before, talk)
    told = shown_before(spans, calls, call, talks)
    output, tools, hidden = answer_views(spans, call, talk, talks.get(call.following), budget)
    return Entry(
        row=row,
        number=number + 1,
        agent=visible(call.agent, limit=80),
        step=call.step,
        change=change,
        since=calls[call.previous].step if call.previous >= 0 else 0,
        agent_changed=number == 0 or calls[number - 1].agent != call.agent,
        blocks=blocks(talk, change, told, budget, row),
        output=output,
        tools=tools,
        tools_hidden=hidden,
        nothing_recorded=not (talk.input or talk.output),
        error=visible(row.status_message or row.error_type, limit=1000) if row.status == "error" else "",
    )


def shown_before(
    spans: Sequence[SpanRow], calls: Sequence[Call], call: Call, talks: Mapping[int, Conversation]
) -> set[int]:
    """Identities of the results in this call's input that stand with the tool calls of the call before."""
    before, talk = talks.get(call.previous), talks.get(calls[call.previous].following if call.previous >= 0 else -1)
    if before is None or talk is None or calls[call.previous].following < 0:
        return set()
    given = answers(before.output, talk.input, tool_spans(spans, calls[call.previous]))
    return {id(one.result) for one in given.values() if one.result is not None}


def tool_spans(spans: Sequence[SpanRow], call: Call) -> list[tuple[int, str, str]]:
    return [(index, spans[index].tool_call_id, spans[index].tool_name or spans[index].name) for index in call.tools]


def blocks(talk: Conversation, change: Change, told: set[int], budget: Budget, row: SpanRow) -> list[Block]:
    made = []
    fresh = [message for message, repeated in zip(talk.input, change.repeated, strict=True) if not repeated]
    results = paired_results(fresh)
    for repeated, first, last in change.segments():
        if repeated:
            made.append(Block(first, last, True))
            continue
        wanted = [
            (place, talk.input[place])
            for place in range(first, last)
            if not is_told(talk.input[place], told) and not is_paired(talk.input[place], results)
        ]
        # Instructions and the question come first, the newest say what the answer is about: both stay.
        if len(wanted) > MESSAGES_AT_ONCE:
            head, tail = wanted[:2], wanted[2 - MESSAGES_AT_ONCE :]
            made.append(Block(first, head[-1][0] + 1, False, views(head, results, budget, row)))
            made.append(Block(head[-1][0] + 1, tail[0][0], False))
            made.append(Block(tail[0][0], last, False, views(tail, results, budget, row)))
        elif wanted:
            made.append(Block(first, last, False, views(wanted, results, budget, row)))
    return made


def views(
    wanted: Sequence[tuple[int, Message]], results: dict[str, Part], budget: Budget, row: SpanRow
) -> list[MessageView]:
    return [message_view(message, place + 1, False, results, budget, row) for place, message in wanted]


def is_told(message: Message, told: set[int]) -> bool:
    return bool(message.parts) and all(id(part) in told for part in message.parts)


def answer_views(
    spans: Sequence[SpanRow], call: Call, talk: Conversation, following: Conversation | None, budget: Budget
) -> tuple[list[MessageView], list[MessageView], int]:
    """The answer with its tool calls' results; the tools that ran beside; how many of those are left out."""
    found = answers(talk.output, following.input if following else [], tool_spans(spans, call))
    output = []
    for place, message in enumerate(talk.output):
        view = message_view(message, len(talk.input) + place + 1, True, {}, budget, spans[call.index])
        for number, part in enumerate(view.parts):
            answer = found.get((place, number))
            if answer is not None:
                add_answer(part, answer, spans)
        output.append(view)
    named = {answer.span for answer in found.values()}
    rest = [index for index in call.tools if index not in named]
    tools = [beside(spans[index]) for index in rest[:TOOLS_AT_ONCE]]
    return output, tools, max(len(rest) - TOOLS_AT_ONCE, 0)


def add_answer(part: PartView, answer: Answer, spans: Sequence[SpanRow]) -> None:
    if answer.span >= 0:
        part.run = tool_run(spans[answer.span])
    if answer.result is not None:
        part.result = payload_view(answer.result.get("result", ""))
    elif part.run is not None and part.run.row.output_preview:
        part.result = payload_view(part.run.row.output_preview)
        part.run.is_preview = part.run.row.output_bytes > len(part.run.row.output_preview.encode())


def tool_run(row: SpanRow) -> ToolRun:
    if row.status != "error":
        return ToolRun(row)
    # Some senders put the whole stack trace into the message; the span's drawer has it.
    words = row.status_message.partition("Traceback (most recent call last)")[0].strip().partition("\n")[0]
    return ToolRun(row, visible(words or row.error_type or "failed", limit=200))


def beside(row: SpanRow) -> MessageView:
    """A tool that ran though no recorded answer asked for it: as its span tells it."""
    part = PartView("tool_call", name=visible(row.tool_name or row.name, limit=200), run=tool_run(row))
    part.call_id = visible(row.tool_call_id, limit=80)
    if row.input_preview:
        part.payload = payload_view(row.input_preview)
    add_answer(part, Answer(), [row])
    if part.run is not None and row.output_preview:
        part.result = payload_view(row.output_preview)
        part.run.is_preview = row.output_bytes > len(row.output_preview.encode())
    return MessageView("tool", "Tool", [part], 0)
