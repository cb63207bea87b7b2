"""What a tool got and gave, from the model's calls, where the tool's own span does not have it.

AutoGen reports executions with neither, MCP without even the call id, and LangChain's OpenInference
package a single argument without its name. What was asked for stands in the answer of a call; what
came of it in the messages of a later one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from tracestore.spans.forest import Forest
from tracestore.spans.messages.conversation import Part
from tracestore.spans.messages.documents import read_document
from tracestore.spans.model import Span
from tracestore.spans.semconv.values import parse_json, to_json

Request = tuple[str, str, dict[str, object]]

#: In how many later calls the result of an execution is looked for; it stands in the agent's next.
_MAX_LATER: Final = 8


def fill_from_calls(forest: Forest) -> None:
    """Give tool spans the arguments that were asked for and the results that the model was told.

    Only from calls of their own trace, and only what is missing. Needs the calls' payloads: among
    spans that were read back without them nothing changes.
    """
    tools: dict[str, list[Span]] = {}
    wanting = set()
    for span in forest.spans:
        if span.type == "tool":
            tools.setdefault(span.record.trace_id, []).append(span)
            if not (span.input[:1] in ("{", "[") and span.output):
                wanting.add(span.record.trace_id)
    if not wanting:
        return
    calls: dict[str, list[Span]] = {trace_id: [] for trace_id in wanting}
    for span in forest.spans:
        if span.type == "llm" and span.record.trace_id in calls and (span.input or span.output):
            calls[span.record.trace_id].append(span)
    for trace_id, found in calls.items():
        if found:
            found.sort(key=_start)
            _fill_by_id_or_value(tools[trace_id], found)
            _fill_by_order(forest, tools[trace_id], found)
            _fill_results(tools[trace_id], found)


def _fill_by_id_or_value(tools: Sequence[Span], calls: Iterable[Span]) -> None:
    """Under the id that the execution carries, or with the same tool and its only value."""
    by_id: dict[str, list[Span]] = {}
    by_value: dict[tuple[str, str], list[Span]] = {}
    for span in tools:
        if span.input[:1] in ("{", "["):
            continue
        if span.input:
            by_value.setdefault((span.tool_name, span.input), []).append(span)
        elif span.tool_call_id:
            by_id.setdefault(span.tool_call_id, []).append(span)
    if not by_id and not by_value:
        return
    for call in calls:
        for call_id, name, arguments in requests(call.output):
            found = by_id.get(call_id, ())
            if len(arguments) == 1 and by_value:
                found = found or by_value.get((name, str(next(iter(arguments.values())))), ())
            for span in found:
                if span.tool_name == name:
                    span.input = to_json(arguments, canonical=True) or span.input


def _fill_by_order(forest: Forest, tools: Sequence[Span], calls: Sequence[Span]) -> None:
    """Executions without an id, between a call of their own run and the next.

    Certain when the tool was asked for once and ran once; or when what ran is, one after the other
    and name by name, what was asked for.
    """
    ran: dict[tuple[str, str], list[Span]] = {}
    for span in tools:
        ran.setdefault(_run(forest, span), []).append(span)
    unknown = {run for run, found in ran.items() if any(not s.input and not s.tool_call_id for s in found)}
    if not unknown:
        return
    asking: dict[tuple[str, str], list[Span]] = {run: [] for run in unknown}
    for call in calls:
        run = _run(forest, call)
        if run in asking:
            asking[run].append(call)
    for run, asked in asking.items():
        ends = [call.record.end_ns for call in asked]
        starts = [call.record.start_ns for call in asked]
        if any(start < end for end, start in zip(ends, starts[1:], strict=False)):
            continue  # calls at the same time: whose execution it is cannot be told
        between: dict[int, list[Span]] = {}
        for span in sorted(ran[run], key=_start):
            index = bisect_right(ends, span.record.start_ns) - 1
            if index >= 0 and (index + 1 == len(starts) or span.record.end_ns <= starts[index + 1]):
                between.setdefault(index, []).append(span)
        for index, found in between.items():
            _match(found, requests(asked[index].output))


def _match(ran: list[Span], asked: list[Request]) -> None:
    one_by_one = all(a.record.end_ns <= b.record.start_ns for a, b in pairwise(ran))
    if one_by_one and [span.tool_name for span in ran] == [name for _, name, _ in asked]:
        pairs = list(zip(ran, asked, strict=True))
    else:
        times = Counter(span.tool_name for span in ran)
        times_asked = Counter(name for _, name, _ in asked)
        pairs = [
            (span, request)
            for span in ran
            for request in asked
            if request[1] == span.tool_name and times[span.tool_name] == times_asked[span.tool_name] == 1
        ]
    for span, (call_id, _, arguments) in pairs:
        if not span.input and not span.tool_call_id:
            span.input, span.tool_call_id = to_json(arguments, canonical=True), call_id


def _run(forest: Forest, span: Span) -> tuple[str, str]:
    """The agent's run that a span is part of, else its outermost known ancestor."""
    above = forest.parent(span)
    outermost = above or span
    for _ in range(64):
        if above is None or above.type == "agent":
            break
        outermost, above = above, forest.parent(above)
    found = above or outermost
    return found.record.trace_id, found.record.span_id


def _fill_results(tools: Iterable[Span], calls: Sequence[Span]) -> None:
    """What the first later call was told under the execution's id."""
    wanting = [span for span in tools if not span.output and span.tool_call_id]
    starts = [call.record.start_ns for call in calls]
    results: dict[int, dict[str, str]] = {}
    for span in wanting:
        first = bisect_left(starts, span.record.end_ns)
        for index in range(first, min(first + _MAX_LATER, len(calls))):
            told = calls[index].input
            if span.tool_call_id not in told:
                continue
            if index not in results:
                parts = [part for part in _parts(told) if part["type"] == "tool_result"]
                results[index] = {part["id"]: part["result"] for part in parts}
            span.output = results[index].get(span.tool_call_id, "")
            break


def requests(output: str) -> list[Request]:
    """(call id, tool, arguments) of each tool call in a model's answer."""
    if "tool" not in output and "function" not in output:
        return []
    return [
        (part["id"], part["name"], part["arguments"])
        for part in _parts(output, "assistant")
        if part["type"] == "tool_call" and part["id"] and isinstance(part["arguments"], dict)
    ]


def _parts(payload: str, role: str = "user") -> Iterator[Part]:
    try:
        messages = read_document(parse_json(payload), "assistant" if role == "assistant" else "user")
    except Exception:  # whatever a stranger calls a message: nothing to learn from it
        return
    for message in messages:
        yield from message.parts


def _start(span: Span) -> tuple[int, str]:
    return span.record.start_ns, span.record.span_id
