"""The model's own answer, where an instrumentation keeps it as one JSON text.

OpenInference has no attribute for the response id, and its smolagents package none for the model
that answered: both stand inside `output.value`. Read with typed decoders that skip everything
else, so that a long answer costs little.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec

from tracestore.spans.model import Value
from tracestore.spans.semconv.values import MAX_PARSED, count

_ID_LENGTH: Final = 256


class Answer(NamedTuple):
    response_id: str = ""
    model: str = ""
    finish_reason: str = ""
    cache_read: int | None = None
    reasoning: int | None = None


class _Metadata(msgspec.Struct):
    id: Any = ""
    model_name: Any = ""


class _Kwargs(msgspec.Struct):
    response_metadata: _Metadata | None = None


class _Message(msgspec.Struct):
    kwargs: _Kwargs | None = None
    data: _Kwargs | None = None


class _Generation(msgspec.Struct):
    message: _Message | None = None


class _LangChain(msgspec.Struct):
    generations: list[list[_Generation]]


class _OpenAI(msgspec.Struct):
    id: Any = ""
    model: Any = ""
    raw: Any = ""


_NOTHING: Final = Answer()
_langchain = msgspec.json.Decoder(_LangChain).decode
_openai = msgspec.json.Decoder(_OpenAI).decode


def read_answer(value: Value) -> Answer:
    """What `output.value` tells about the answer; empty for anything not recognised."""
    if value.__class__ is not str or not 8 < len(value) <= MAX_PARSED:
        return _NOTHING
    raw: str = value
    try:
        if raw.startswith('{"generations"'):
            return _from_langchain(_langchain(raw))
        if raw.startswith('{"id":"'):
            # OpenAI's and Anthropic's objects begin with the id: no need to read on.
            end = raw.find('"', 7, 7 + _ID_LENGTH)
            return Answer(raw[7:end]) if end > 0 and "\\" not in raw[7:end] else _NOTHING
        if raw[0] != "{" or ('"id"' not in raw and '"raw"' not in raw):
            return _NOTHING
        found = _openai(raw)
    except Exception:
        return _NOTHING
    if isinstance(found.raw, str) and "(id='" in found.raw:
        return _from_repr(found.raw)
    return Answer(_identity(found.id))


def _identity(value: Any) -> str:
    return value if isinstance(value, str) and len(value) <= _ID_LENGTH else ""


def _from_langchain(found: _LangChain) -> Answer:
    for batch in found.generations:
        for generation in batch:
            message = generation.message
            kwargs = message and (message.kwargs or message.data)
            if kwargs and kwargs.response_metadata:
                identity = _identity(kwargs.response_metadata.id)
                if identity:
                    return Answer(identity)
    return _NOTHING


def _from_repr(raw: str) -> Answer:
    """smolagents keeps the SDK's response object as its Python repr."""
    return Answer(
        response_id=_quoted(raw, "(id='"),
        model=_quoted(raw, ", model='", last=True),
        finish_reason=_quoted(raw, "finish_reason='"),
        cache_read=_counted(raw, "cached_tokens="),
        reasoning=_counted(raw, "reasoning_tokens="),
    )


def _quoted(raw: str, before: str, *, last: bool = False) -> str:
    start = raw.rfind(before) if last else raw.find(before)
    if start < 0:
        return ""
    start += len(before)
    end = raw.find("'", start, start + _ID_LENGTH)
    return raw[start:end] if end > 0 else ""


def _counted(raw: str, before: str) -> int | None:
    start = raw.rfind(before)
    if start < 0:
        return None
    start += len(before)
    end = start
    while end < len(raw) and raw[end].isdigit():
        end += 1
    return count(raw[start:end])
