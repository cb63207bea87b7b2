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
from tracestore.spans.semconv.places import Places, first_at

#: Google's wire format has thinking beside the answer.
_THOUGHTS: Final = ("thoughts_token_count", "thoughtsTokenCount")
#: Anthropic's and Bedrock's names, whose cached tokens stand beside the input.
_READ_BESIDE: Final = ("cache_read_input_tokens", "cacheReadInputTokens")
_WRITE_BESIDE: Final = ("cache_creation_input_tokens", "cacheWriteInputTokens")

#: Objects with the parts of the input and the output (OpenAI's two APIs, LangChain), and what is in them.
_INPUT_DETAILS: Final = ("prompt_tokens_details", "input_tokens_details", "input_token_details")
_OUTPUT_DETAILS: Final = ("completion_tokens_details", "output_tokens_details", "output_token_details")
INPUT_PARTS: Final[Places] = {
    "cache_read_tokens": ("cached_tokens", "cache_read"),
    "cache_write_tokens": ("cache_write_tokens", "cache_creation"),
}
OUTPUT_PARTS: Final[Places] = {"reasoning_tokens": ("reasoning_tokens", "reasoning")}


def _inside(objects: tuple[str, ...], parts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{name}.{part}" for name in objects for part in parts)


_TOTAL: Final = ("total_tokens", "totalTokens", "total_token_count", "totalTokenCount", "total")

#: Where each figure may stand in a usage object.
PLACES: Final[Places] = {
    "input_tokens": (
        *("input_tokens", "prompt_tokens", "inputTokens"),
        *("prompt_token_count", "promptTokenCount", "input"),
    ),
    "output_tokens": (
        *("output_tokens", "completion_tokens", "outputTokens"),
        *("candidates_token_count", "candidatesTokenCount", "output"),
    ),
    "cache_read_tokens": (
        *_READ_BESIDE,
        *("cached_content_token_count", "cachedContentTokenCount"),  # Google's, a part of its input
        *_inside(_INPUT_DETAILS, INPUT_PARTS["cache_read_tokens"]),
    ),
    "cache_write_tokens": (*_WRITE_BESIDE, *_inside(_INPUT_DETAILS, INPUT_PARTS["cache_write_tokens"])),
    "reasoning_tokens": (
        "reasoning_tokens",
        *_THOUGHTS,
        *_inside(_OUTPUT_DETAILS, OUTPUT_PARTS["reasoning_tokens"]),
    ),
}


def from_document(span: Span, found: dict[str, Any], rule: str, *, cached_inside: bool | None = None) -> bool:
    """Fill the columns from a usage object; False when it holds neither input nor output.

    `cached_inside` says that the sender has already added cached tokens to the input, whatever
    their names; None leaves it to the names.
    """
    if cached_inside is None:
        cached_inside = not any(key in found for key in (*_READ_BESIDE, *_WRITE_BESIDE))
    return usage.from_counts(
        span,
        rule,
        *(first_at(found, PLACES[figure]) for figure in usage.GENAI),
        total=first_at(found, _TOTAL),
        cached_inside=cached_inside,
        reasoning_inside=not any(key in found for key in _THOUGHTS),
    )
