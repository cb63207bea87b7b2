"""A model call's conversation ready to be shown: who said what, tool calls with their results.

Pure. Everything received ends as escaped text, sanitised markdown or a bounded JSON tree, and all of
a conversation together stays within a budget, so that no span can freeze a browser.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.utils.safestring import SafeString

from dashboard import json_tree, markdown
from dashboard.inline_media import without_media
from dashboard.json_values import NotJson, parse
from dashboard.payload_view import TEXT_LIMIT, PayloadView, payload_view, source_of
from dashboard.visible_text import visible
from tracestore.clickhouse.rows import SpanDetail, SpanRow
from tracestore.spans.messages import Conversation, Message, Part, messages
from tracestore.spans.model import Event

#: Characters rendered as markdown over the whole conversation; later texts are shown plain.
MARKDOWN_BUDGET = 150_000
#: Characters shown over the whole conversation; later texts are only counted.
SHOWN_BUDGET = 600_000
#: Earlier messages are folded when there are at least so many.
FOLD_FROM = 3
MESSAGE_LIMIT = 400

ROLE_WORDS = {"system": "System", "user": "User", "assistant": "Assistant", "tool": "Tool"}
MODEL_TYPES = ("llm", "agent", "embedding", "rerank", "guardrail", "evaluator", "retrieval")


@dataclass(slots=True)
class ToolRun:
    """The span in which a requested tool call ran. `is_preview`: the result shown is only the span's preview."""

    row: SpanRow
    error: str = ""
    is_preview: bool = False


@dataclass(slots=True)
class PartView:
    """`kind` is the part's type, or `media`. `html` is ready to show; `length` counts what was received."""

    kind: str
    html: SafeString | None = None
    length: int = 0
    is_cut: bool = False
    more: str = ""
    name: str = ""
    call_id: str = ""
    payload: PayloadView | None = None
    result: PayloadView | None = None
    result_missing: bool = False
    words: str = ""
    run: ToolRun | None = None


@dataclass(slots=True)
class MessageView:
    role: str
    word: str
    parts: list[PartView]
    number: int
    finish_reason: str = ""
    is_output: bool = False
    preview: str = ""


@dataclass(slots=True)
class ConversationView:
    """`folded` are the messages that earlier calls have sent already, when there are some."""

    count: int
    opening: list[MessageView] = field(default_factory=list)
    folded: list[MessageView] = field(default_factory=list)
    latest: list[MessageView] = field(default_factory=list)
    output: list[MessageView] = field(default_factory=list)
    tools: list[tuple[str, str, SafeString | None]] = field(default_factory=list)
    hidden: int = 0
    as_received: bool = False
    has_markdown: bool = False


@dataclass(slots=True)
class Budget:
    """What may still be shown. `as_received`: texts as they came, neither as Markdown nor as trees."""

    as_received: bool = False
    markdown: int = MARKDOWN_BUDGET
    shown: int = SHOWN_BUDGET


def conversation_of(detail: SpanDetail) -> Conversation | None:
    """The messages of a span that talks to a model; None where there are none."""
    if detail.row.type not in MODEL_TYPES:
        return None
    events = [Event(event.time_ns, event.name, event.attributes) for event in detail.events]
    found = messages(detail.attributes, events, detail.row.type)
    return found if found.input or found.output else None


def view(conversation: Conversation, row: SpanRow, *, as_received: bool = False) -> ConversationView:
    said = [*conversation.input, *conversation.output]
    results = paired_results(said)
    budget = Budget(as_received=as_received)
    # The newest messages are what one came for, so they have the first claim on the budget.
    numbered = [(number, message) for number, message in enumerate(said, 1) if not is_paired(message, results)]
    hidden = max(len(numbered) - MESSAGE_LIMIT, 0)
    if hidden:
        numbered = numbered[:2] + numbered[2 + hidden :]
    shown = [
        message_view(message, number, number > len(conversation.input), results, budget, row)
        for number, message in reversed(numbered)
    ][::-1]
    made = ConversationView(count=len(said), hidden=hidden, as_received=as_received)
    made.has_markdown = any(
        part["type"] in ("text", "reasoning") and message.role == "assistant"
        for message in said
        for part in message.parts
    )
    made.output = [message for message in shown if message.is_output]
    asked = [message for message in shown if not message.is_output]
    opening = 1 if asked and asked[0].role == "system" else 0
    fresh = fresh_from(asked)
    if fresh - opening >= FOLD_FROM:
        made.opening, made.folded, made.latest = asked[:opening], asked[opening:fresh], asked[fresh:]
    else:
        made.latest = asked
    for place, tool in enumerate(conversation.tools[:200]):
        parameters, source = tool.get("parameters"), source_of(row, f"offer:{place}")
        is_tree = isinstance(parameters, dict | list)
        tree = json_tree.render(parameters, open_depth=1, source=source) if is_tree else None
        made.tools.append((visible(tool["name"], limit=200), visible(tool["description"], limit=2000), tree))
    return made


def fresh_from(asked: list[MessageView]) -> int:
    """Where the messages begin that this call was the first to send.

    An agent sends the whole conversation again at each step; what stands before the model's own last
    message went out with an earlier call. The question right before it is kept, to read the answer by.
    """
    last = max((k for k, message in enumerate(asked) if message.role == "assistant"), default=0)
    return last - 1 if last and asked[last - 1].role == "user" else last


def paired_results(said: list[Message]) -> dict[str, Part]:
    """Tool results by call id, of those calls that are in the conversation too."""
    called = {part.get("id", "") for message in said for part in message.parts if part["type"] == "tool_call"}
    return {
        part.get("id", ""): part
        for message in said
        for part in message.parts
        if part["type"] == "tool_result" and part.get("id", "") and part.get("id", "") in called
    }


def is_paired(message: Message, results: dict[str, Part]) -> bool:
    """Whether all that a message holds is shown with the calls that it answers."""
    return bool(message.parts) and all(
        part["type"] == "tool_result" and part.get("id", "") in results for part in message.parts
    )


def message_view(
    message: Message,
    number: int,
    is_output: bool,
    results: dict[str, Part],
    budget: Budget,
    row: SpanRow,
) -> MessageView:
    """`number` counts from 1 through a call's input and output; `row` is the call's span."""
    parts = [
        part_view(part, message.role, results, budget, row, f"said:{number}:{place}")
        for place, part in enumerate(message.parts)
    ]
    first = next((part.get("text", "") for part in message.parts if part.get("text")), "")
    return MessageView(
        role=message.role,
        word=ROLE_WORDS.get(message.role, visible(message.role, limit=30)),
        parts=parts,
        number=number,
        finish_reason=visible(message.finish_reason, limit=40),
        is_output=is_output,
        preview=visible(" ".join(first[:400].split()), limit=140),
    )


def part_view(part: Part, role: str, results: dict[str, Part], budget: Budget, row: SpanRow, place: str) -> PartView:
    """`place` is the part's name in `pages.span_parts`."""
    kind = part["type"]
    source = source_of(row, place)
    if kind in ("text", "reasoning", "raw"):
        return text_view(kind, part.get("text", ""), role, budget, source)
    if kind == "tool_call":
        made = PartView(kind, name=visible(part.get("name", ""), limit=200), call_id=part.get("id", ""))
        made.payload = argument_view(part.get("arguments"), source)
        answer = results.get(made.call_id)
        if answer is not None:
            made.result = payload_view(str(answer.get("result", "")), source_of(row, f"answer:{made.call_id}"))
        made.call_id = visible(made.call_id, limit=80)
        return made
    if kind == "tool_result":
        made = PartView(kind, name=visible(part.get("name", ""), limit=200))
        made.call_id = visible(part.get("id", ""), limit=80)
        made.result = payload_view(str(part.get("result", "")), source)
        return made
    return PartView("media", words=media_words(part))


def text_view(kind: str, text: str, role: str, budget: Budget, source: str) -> PartView:
    head = text[: min(TEXT_LIMIT, max(budget.shown, 0))]
    budget.shown -= len(head)
    is_cut = len(head) < len(text)
    # A cut could end inside a code fence; and JSON answers are no markdown.
    if role == "assistant" and kind != "raw" and not is_cut and not budget.as_received and len(head) <= budget.markdown:
        try:
            html = json_tree.render(parse(head), source=source)
        except NotJson:
            budget.markdown -= len(head)
            html = markdown.render(without_media(head))
    else:
        html = markdown.plain(visible(without_media(head)))
    return PartView(kind, html, len(text), is_cut, f"{source}text={len(head)}" if is_cut and source else "")


def argument_view(arguments: Any, source: str) -> PayloadView | None:
    if arguments is None or arguments == "":
        return None
    if isinstance(arguments, dict | list):
        return PayloadView("", 0, json_tree.render(arguments, source=source))
    return payload_view(str(arguments), source)


def media_words(part: Part) -> str:
    """An image or file by its kind, size and address; never its content, and never fetched."""
    words = [part["type"], part.get("mime_type", "")]
    if "size" in part:
        words.append(f"{part['size']:,} bytes")
    words.append(part.get("uri", ""))
    return visible(", ".join(word for word in words if word), limit=400)
