"""What went wrong, as one word for the `error_type` column."""

from __future__ import annotations

from typing import Final

from tracestore.spans.model import Attributes, Span
from tracestore.spans.semconv.values import text

#: OpenTelemetry's fallback for an error without a type (attribute registry, `error.type`).
UNKNOWN: Final = "_OTHER"

_SUFFIXES: Final = ("Error", "Exception", "Timeout", "Interrupt", "Exit", "Warning")

#: What a component of Haystack raises whatever failed in it, and how Python goes on after the traceback of a cause.
_AROUND: Final = "haystack.core.errors.PipelineRuntimeError"
_CAUSED: Final = "The above exception was the direct cause"


def error_type(span: Span) -> str:
    """`error.type`, else the type in the last `exception` event, the HTTP status, what the message starts with.

    An `exception` event on a span whose status is not an error is an exception that was handled.
    `error.type` may hold a Python class repr (`<class 'openai.BadRequestError'>`): unwrapped.
    """
    record = span.record
    found = text(record.attributes.get("error.type"))
    if found:
        if found.startswith("<class '") and found.endswith("'>"):
            return found[8:-2]
        return found
    if record.status != "error":
        return ""
    for event in reversed(record.events):
        if event.name == "exception" and (found := text(event.attributes.get("exception.type"))):
            return _cause(event.attributes) if found == _AROUND else found
    status = text(record.attributes.get("http.response.status_code")) or text(record.attributes.get("http.status_code"))
    return status if status[:1] in ("4", "5") else type_in_message(record.status_message)


def _cause(exception: Attributes) -> str:
    """The type of the exception around which another was raised, from the end of the first traceback."""
    first, chained, _ = text(exception.get("exception.stacktrace")).partition(_CAUSED)
    for line in reversed(first.splitlines()) if chained else ():
        named = line.partition(":")[0]
        if named.endswith(_SUFFIXES) and named.replace(".", "").isidentifier():
            return named
    return _AROUND


def type_in_message(message: str) -> str:
    """The exception's name that a message starts with, else `_OTHER`."""
    head = message[:120].lstrip()
    end = 0
    while end < len(head) and (head[end].isalnum() or head[end] in "._"):
        end += 1
    word = head[:end].rstrip(".")
    return word if word.endswith(_SUFFIXES) else UNKNOWN
