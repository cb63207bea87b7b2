"""A trace as one chat: what each model call says that the calls before it have not, and what tools answered.

Pure. An agent sends its whole conversation again with every call, so a call is read against the one before
it: what is repeated, what is new, and what is no longer sent (the context was cut). Messages are compared by
what they say, not by how they were written: reasoning, ids and finish reasons come and go between the answer
of one call and the input of the next.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Literal, Protocol

from tracestore.analysis.tree import Tree, TreeSpan
from tracestore.spans.messages import Conversation, Message, Part

Kind = Literal["first", "continues", "cut", "anew"]


class CallSpan(TreeSpan, Protocol):
    """What the order of a conversation needs to know of a span; `SpanRow` has it."""

    @property
    def type(self) -> str: ...
    @property
    def agent(self) -> str: ...
    @property
    def tool_name(self) -> str: ...
    @property
    def tool_call_id(self) -> str: ...
    @property
    def name(self) -> str: ...


@dataclass(slots=True)
class Call:
    """A model call in a trace: `index` is its place in the spans given, `step` counts its agent's calls from 1.

    `previous` and `following` are the neighbours of the same agent as numbers in the list of calls, or -1:
    those of the same run of the agent, else of the agent's run before. `tools` are spans that ran for it.
    """

    index: int
    agent: str
    step: int
    previous: int = -1
    following: int = -1
    tools: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Change:
    """How a call's input differs from what the call before it had and answered.

    `repeated` tells of each input message whether it was there. `gone` counts messages of the call before
    that are no longer sent. `kind`: `first` call of an agent; the conversation `continues`; it was `cut`;
    or nothing but instructions is left of it, so it begins `anew`.
    """

    kind: Kind
    repeated: list[bool]
    gone: int = 0
    instructions_changed: bool = False

    def segments(self) -> Iterator[tuple[bool, int, int]]:
        """Runs of repeated and new messages as (repeated, first, after last)."""
        at = 0
        for repeated, run in groupby(self.repeated):
            length = len(list(run))
            yield repeated, at, at + length
            at += length


@dataclass(slots=True)
class Answer:
    """What a requested tool call led to: the result that a model was told, and the span that ran, if known."""

    result: Part | None = None
    span: int = -1


def calls(spans: Sequence[CallSpan], tree: Tree) -> list[Call]:
    """The trace's model calls by start, with their neighbours and the tools that ran for them. Linear in the spans."""
    agent_above = [-1] * len(tree)
    nodes = []
    for node, index in enumerate(tree.order):
        over = tree.parent[node]
        if over >= 0:
            agent_above[node] = over if spans[tree.order[over]].type == "agent" else agent_above[over]
        if spans[index].type in ("llm", "tool"):
            nodes.append(node)
    nodes.sort(key=lambda node: (spans[tree.order[node]].start_ns, node))
    found: list[Call] = []
    last_of_run: dict[tuple[int, str], int] = {}
    last_of_agent: dict[str, int] = {}
    steps: dict[str, int] = {}
    for node in nodes:
        span = spans[tree.order[node]]
        run, agent = (agent_above[node], span.agent), span.agent
        before = last_of_run.get(run, last_of_agent.get(agent, -1))
        if span.type == "tool":
            # What a tool of the same agent runs inside is that tool's own affair.
            if before >= 0 and not inside_tool(node, spans, tree):
                found[before].tools.append(tree.order[node])
            continue
        steps[agent] = steps.get(agent, 0) + 1
        number = len(found)
        found.append(Call(tree.order[node], agent, steps[agent], before))
        if before >= 0 and found[before].following < 0:
            found[before].following = number
        last_of_run[run] = last_of_agent[agent] = number
    return found


def inside_tool(node: int, spans: Sequence[CallSpan], tree: Tree) -> bool:
    agent, over = spans[tree.order[node]].agent, tree.parent[node]
    while over >= 0 and spans[tree.order[over]].type != "agent":
        if spans[tree.order[over]].type == "tool":
            return spans[tree.order[over]].agent == agent
        over = tree.parent[over]
    return False


def compare(before: Conversation | None, now: Conversation) -> Change:
    """What is new in a call's input. Linear in the messages but for a binary search each."""
    if before is None:
        return Change("first", [False] * len(now.input))
    known = [fingerprint(message) for message in (*before.input, *before.output)]
    places: dict[bytes, list[int]] = {}
    for place, print_ in enumerate(known):
        places.setdefault(print_, []).append(place)
    answered = {atom for message in before.output for atom in atoms(message)}
    matched = [False] * len(known)
    repeated = []
    at = -1
    for message in now.input:
        there = places.get(fingerprint(message), [])
        nearest = bisect_right(there, at)
        if nearest < len(there):
            at = there[nearest]
            matched[at] = True
            repeated.append(True)
        else:
            # The answer of the call before may come back as more messages or fewer than it was.
            said = atoms(message)
            repeated.append(message.role == "assistant" and bool(said) and answered.issuperset(said))
    spoken = [message.role != "system" for message in before.input]
    gone = sum(own and not here for own, here in zip(spoken, matched, strict=False))
    kept = any(same and message.role != "system" for same, message in zip(repeated, now.input, strict=True))
    changed = [m for m, same in zip(now.input, repeated, strict=True) if m.role == "system" and not same]
    kind: Kind = "cut" if kept and gone else "continues" if kept or not any(spoken) else "anew"
    return Change(kind, repeated, gone, bool(changed) and not all(spoken))


def fingerprint(message: Message) -> bytes:
    """The same for two messages that say the same in the same role."""
    whole = hashlib.blake2b(message.role.encode(), digest_size=16)
    for atom in atoms(message):
        whole.update(atom)
    return whole.digest()


def atoms(message: Message) -> list[bytes]:
    """A digest of each thing that a message says: texts, calls, results, media; reasoning left out."""
    found = []
    for part in message.parts:
        said = words(part)
        if said:
            found.append(hashlib.blake2b(f"{part['type']}\0{said}".encode("utf-8", "replace"), digest_size=16).digest())
    return found


def words(part: Part) -> str:
    kind = part["type"]
    if kind in ("text", "raw"):
        return part.get("text", "").strip()
    if kind == "reasoning":
        return ""
    if kind == "tool_call":
        return f"{part.get('name', '')}\0{canonical(part.get('arguments'))}"
    if kind == "tool_result":
        return part.get("result", "").strip() or "(empty)"
    return f"{part.get('mime_type', '')}\0{part.get('uri', '')}\0{part.get('size', '')}"


def canonical(value: Any) -> str:
    if value is None or value == {} or value == "":
        return "{}"
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)


def answers(
    output: Sequence[Message], following: Sequence[Message], tools: Sequence[tuple[int, str, str]]
) -> dict[tuple[int, int], Answer]:
    """For each tool call of an answer, by (message, part) in it: its result and its span.

    `following` are the messages that the next call of the same agent sends; `tools` are the spans that ran in
    between as (index, tool call id, name). By id first; what has none, in order: results after each other, spans
    by name. Each result and each span answers one call.
    """
    wanted = [
        (place, number, part)
        for place, message in enumerate(output)
        for number, part in enumerate(message.parts)
        if part["type"] == "tool_call"
    ]
    results = [part for message in following for part in message.parts if part["type"] == "tool_result"]
    # From the end: an id may be used again, and the latest result is the one that this call led to.
    by_id = {part.get("id", ""): part for part in results if part.get("id")}
    nameless = [part for part in results if not part.get("id")][-len(wanted) :] if wanted else []
    spans_by_id = {call_id: index for index, call_id, _ in tools if call_id}
    spans_by_name: dict[str, list[int]] = {}
    named_ids = {part.get("id", "") for _, _, part in wanted}
    for index, call_id, name in tools:
        if not call_id or call_id not in named_ids:
            spans_by_name.setdefault(name, []).append(index)
    found = {}
    for place, number, part in wanted:
        call_id, name = part.get("id", ""), part.get("name", "")
        answer = Answer(by_id.get(call_id) if call_id else None, spans_by_id.get(call_id, -1) if call_id else -1)
        if answer.result is None and nameless and not call_id:
            answer.result = nameless.pop(0)
        if answer.span < 0 and spans_by_name.get(name):
            answer.span = spans_by_name[name].pop(0)
        found[place, number] = answer
    return found
