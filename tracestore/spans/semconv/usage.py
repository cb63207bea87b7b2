"""Token counts of a model call, each token counted once.

Meaning of the columns (OpenTelemetry GenAI): input includes cached tokens, output includes
reasoning. Only calls (`llm`, `embedding`) are given to this module: agents and workflows often
repeat the totals of their children, some of them over all turns so far.
"""

from __future__ import annotations

from typing import Final

from tracestore.spans.model import Attributes, Span
from tracestore.spans.semconv.places import Places
from tracestore.spans.semconv.values import first_count

#: The attributes that GenAI instrumentations write a figure into, the first that holds a count counts. The
#: last ones are Semantic Kernel's older spelling.
INPUT = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "gen_ai.response.prompt_tokens")
OUTPUT = ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "gen_ai.response.completion_tokens")
CACHE_READ = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.details.cache_read_tokens",
    "gen_ai.usage.input_tokens.cached",
)
CACHE_WRITE = (
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.cache_write_input_tokens",
    "gen_ai.usage.details.cache_write_tokens",
)
REASONING = (
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.details.reasoning_tokens",
    "gen_ai.usage.experimental.reasoning_tokens",
    "gen_ai.usage.output_tokens.reasoning",
)

GENAI: Final[Places] = {
    "input_tokens": INPUT,
    "output_tokens": OUTPUT,
    "cache_read_tokens": CACHE_READ,
    "cache_write_tokens": CACHE_WRITE,
    "reasoning_tokens": REASONING,
}
OPENINFERENCE: Final[Places] = {
    "input_tokens": ("llm.token_count.prompt",),
    "output_tokens": ("llm.token_count.completion",),
    "cache_read_tokens": ("llm.token_count.prompt_details.cache_read",),
    "cache_write_tokens": ("llm.token_count.prompt_details.cache_write",),
    "reasoning_tokens": ("llm.token_count.completion_details.reasoning",),
}


def from_openinference(span: Span, attributes: Attributes) -> bool:
    """OpenInference `llm.token_count.*`; the details are parts of prompt and completion."""
    return _fill(span, "openinference", *at_attributes(attributes, OPENINFERENCE))


def at_attributes(
    attributes: Attributes, places: Places
) -> tuple[int | None, int | None, int | None, int | None, int | None]:
    """The five counts (input, output, cache read, cache write, reasoning), None where there is none."""
    return (
        first_count(attributes, *places.get("input_tokens", ())),
        first_count(attributes, *places.get("output_tokens", ())),
        first_count(attributes, *places.get("cache_read_tokens", ())),
        first_count(attributes, *places.get("cache_write_tokens", ())),
        first_count(attributes, *places.get("reasoning_tokens", ())),
    )


def from_genai(span: Span, attributes: Attributes, rule: str = "genai") -> bool:
    """`gen_ai.usage.*` in any of its spellings; the same number under two names counts once."""
    get = attributes.get
    if get("gen_ai.usage.input_tokens") is None and get("gen_ai.usage.output_tokens") is None:
        rule += "-legacy"
    return _fill(span, rule, *at_attributes(attributes, GENAI))


def from_counts(
    span: Span,
    rule: str,
    inputs: int | None,
    outputs: int | None,
    cache_read: int | None,
    cache_write: int | None,
    reasoning: int | None,
    *,
    total: int | None = None,
    cached_inside: bool = True,
    reasoning_inside: bool = True,
) -> bool:
    """Counts that were read elsewhere; False when there is neither input nor output.

    Whether cached tokens are part of the input, and reasoning of the output, is what the sender's
    convention says (`…_inside`), unless its `total` proves the contrary.
    """
    if inputs is None and outputs is None:
        return False
    inputs, outputs, cached = inputs or 0, outputs or 0, (cache_read or 0) + (cache_write or 0)
    thought = reasoning or 0
    if total is not None and total > 0:
        if total == inputs + outputs:
            cached_inside = reasoning_inside = True
        elif total == inputs + outputs + cached + thought:
            cached_inside = reasoning_inside = False
        elif total == inputs + outputs + cached:
            cached_inside, reasoning_inside = False, True
        elif total == inputs + outputs + thought:
            cached_inside, reasoning_inside = True, False
    if cached and not cached_inside:
        inputs += cached
        rule += "+cached"
    if thought and not reasoning_inside:
        outputs += thought
        rule += "+reasoning"
    return _fill(span, rule, inputs, outputs, cache_read, cache_write, reasoning)


def _fill(
    span: Span,
    rule: str,
    inputs: int | None,
    outputs: int | None,
    cache_read: int | None,
    cache_write: int | None,
    reasoning: int | None,
) -> bool:
    if inputs is None and outputs is None:
        return False
    span.input_tokens = inputs or 0
    span.output_tokens = outputs or 0
    span.cache_read_tokens = cache_read or 0
    span.cache_write_tokens = cache_write or 0
    span.reasoning_tokens = reasoning or 0
    span.usage_rule = rule
    cached = span.cache_read_tokens + span.cache_write_tokens
    if cached > span.input_tokens:
        # More cached than sent is impossible: this sender passed on Anthropic's wire numbers,
        # where `input_tokens` leaves the cached ones out.
        span.input_tokens += cached
        span.usage_rule = rule + "+cached"
    if span.reasoning_tokens > span.output_tokens:
        # The same for vendors that report thinking beside the answer (Gemini's wire format).
        span.output_tokens += span.reasoning_tokens
        span.usage_rule += "+reasoning"
    if (inputs is None or outputs is None) and span.type == "llm" and span.record.dropped_attributes:
        span.usage_rule += "+incomplete"
    return True


def drop_usage(span: Span) -> None:
    """Take the figures off a span that turned out not to be the one that made the call."""
    span.input_tokens = span.output_tokens = 0
    span.cache_read_tokens = span.cache_write_tokens = span.reasoning_tokens = 0
    span.usage_rule = ""
    span.cost_usd = None
    span.price_source = ""
