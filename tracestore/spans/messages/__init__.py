"""Conversations in one normal form, read from whatever a span stores. Computed when read.

`messages(attributes, events, type)` is all that other packages need.
"""

from tracestore.spans.messages.conversation import Conversation, Message, Part, Tool
from tracestore.spans.messages.read import messages

__all__ = ["Conversation", "Message", "Part", "Tool", "messages"]
