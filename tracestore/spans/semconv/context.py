"""Who the span belongs to: session and user, from the span itself.

Many spellings mean one thing. The first that is set wins: the specifications' names, then
OpenLLMetry's association properties, then keys inside a `metadata` JSON text (LangChain,
Pydantic AI). Often one span of a trace carries them: `tracestore.spans.resolve` spreads them.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tracestore.spans.model import Attributes, Span
from tracestore.spans.semconv.values import first_text, text, unquoted

SESSION: Final = (
    "session.id",
    "gen_ai.conversation.id",
    "traceloop.association.properties.session_id",
    "traceloop.association.properties.thread_id",
    "langfuse.session.id",
)
USER: Final = (
    "user.id",
    "enduser.id",
    "traceloop.association.properties.user_id",
    "langfuse.user.id",
)
#: What applications call them, in metadata of their own.
_SESSION_LABELS: Final = (
    "session_id",
    "sessionId",
    "thread_id",
    "threadId",
    "conversation_id",
    "conversationId",
    "chatId",
    "session.id",
)
_USER_LABELS: Final = ("user_id", "userId", "user.id")
_MAX_METADATA: Final = 16_384


class Metadata(msgspec.Struct):
    """The keys of a `metadata` JSON text that mean something here; the rest is skipped unread."""

    lc_agent_name: Any = None
    langgraph_node: Any = None
    ls_integration: Any = None
    session_id: Any = None
    thread_id: Any = None
    conversation_id: Any = None
    user_id: Any = None


NO_METADATA: Final = Metadata()
_decode = msgspec.json.Decoder(Metadata).decode


def metadata(attributes: Attributes) -> Metadata:
    """The span's `metadata`, empty when there is none or it is not a JSON object."""
    raw = attributes.get("metadata")
    if raw.__class__ is str and len(raw) <= _MAX_METADATA and raw[:1] == "{":
        try:
            return _decode(raw)
        except Exception:
            return NO_METADATA
    return NO_METADATA


def read_context(span: Span, found: Metadata) -> None:
    """Fill `session_id` and `user_id`; what the dialect found itself counts last."""
    attributes = span.record.attributes
    span.session_id = (
        first_text(attributes, *SESSION)
        or text(found.session_id)
        or text(found.conversation_id)
        or text(found.thread_id)
        or span.session_id
    )
    span.user_id = first_text(attributes, *USER) or text(found.user_id) or span.user_id


def read_labels(span: Span, prefix: str) -> None:
    """Session and user from an application's own labels, which a dialect keeps under a prefix."""
    attributes = span.record.attributes
    span.session_id = _label(attributes, prefix, _SESSION_LABELS)
    span.user_id = _label(attributes, prefix, _USER_LABELS)


def _label(attributes: Attributes, prefix: str, names: tuple[str, ...]) -> str:
    for name in names:
        value = attributes.get(prefix + name)
        if value is not None and (found := unquoted(value)):
            return found
    return ""
