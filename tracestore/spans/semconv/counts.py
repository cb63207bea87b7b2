"""Token counts out of a usage object written as JSON, whoever's names it uses.

OpenAI, Anthropic, Google and LangChain name the same five numbers differently, and disagree on
whether cached tokens are part of the input. The object itself tells: details in an object of their
own (`prompt_tokens_details`) are parts; Anthropic's `cache_*_input_tokens` stand beside; and a
total settles it where there is one.
"""

from __future__ import annotations

from typing import Any, Final

from tracestore.spans.model import Span
from tracestore.spans.semconv import usage
from tracestore.spans.semconv.values import count

_INPUT: Final = ("input_tokens", "prompt_tokens", "inputTokens", "prompt_token_count", "promptTokenCount", "input")
_OUTPUT: Final = (
    "output_tokens",
    "completion_tokens",
    "outputTokens",
    "candidates_token_count",
    "candidatesTokenCount",
    "output",
)
_TOTAL: Final = ("total_tokens", "totalTokens", "total_token_count", "totalTokenCount", "total")
_READ: Final = (
    "cache_read_input_tokens",
    "cacheReadInputTokens",
    "cached_content_token_count",
    "cachedContentTokenCount",
)
_WRITE: Final = ("cache_creation_input_tokens", "cacheWriteInputTokens")
_REASONING: Final = ("reasoning_tokens", "thoughts_token_count", "thoughtsTokenCount")

#: Objects with the parts of the input (OpenAI's two APIs, LangChain).
_INPUT_DETAILS: Final = ("prompt_tokens_details", "input_tokens_details", "input_token_details")
_OUTPUT_DETAILS: Final = ("completion_tokens_details", "output_tokens_details", "output_token_details")

#: Google's wire format has thinking beside the answer.
_THOUGHTS: Final = ("thoughts_token_count", "thoughtsTokenCount")


def from_document(span: Span, found: dict[str, Any], rule: str, *, cached_inside: bool | None = None) -> bool:
    """Fill the columns from a usage object; False when it holds neither input nor output.

    `cached_inside` says that the sender has already added cached tokens to the input, whatever
    their names; None leaves it to the names.
    """
    parts_in = _details(found, _INPUT_DETAILS)
    parts_out = _details(found, _OUTPUT_DETAILS)
    read, write = _first(found, _READ), _first(found, _WRITE)
    # Anthropic's and Bedrock's names; Google's `cached_content_token_count` is a part of its input.
    inside = not any(key in found for key in (*_READ[:2], *_WRITE))
    if read is None:
        read = _first(parts_in, ("cached_tokens", "cache_read"))
    if write is None:
        write = _first(parts_in, ("cache_write_tokens", "cache_creation"))
    reasoning = _first(found, _REASONING)
    if reasoning is None:
        reasoning = _first(parts_out, ("reasoning_tokens", "reasoning"))
    return usage.from_counts(
        span,
        rule,
        _first(found, _INPUT),
        _first(found, _OUTPUT),
        read,
        write,
        reasoning,
        total=_first(found, _TOTAL),
        cached_inside=inside if cached_inside is None else cached_inside,
        reasoning_inside=not any(key in found for key in _THOUGHTS),
    )


def _first(found: dict[str, Any], keys: tuple[str, ...]) -> int | None:
    for key in keys:
        if (number := count(found.get(key))) is not None:
            return number
    return None


def _details(found: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    for key in keys:
        inner = found.get(key)
        if isinstance(inner, dict):
            return inner
    return {}
