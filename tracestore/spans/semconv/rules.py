"""The rules of usage by name: what each does, in words, and where it takes its figures from.

A rule's name is one of `RULES` and after it none or more of `AMENDMENTS`: `genai-legacy+cached`. The
places are those that the rule's reader declares and reads; nothing is declared twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from tracestore.spans.semconv import (
    autogen,
    counts,
    haystack,
    langfuse,
    langsmith,
    logfire,
    mlflow,
    openllmetry,
    usage,
    vercel,
)
from tracestore.spans.semconv.places import Places, first_path
from tracestore.spans.semconv.values import count

#: What a reader does with the object that it reads: figure → the paths whose counts make it up.
Find: TypeAlias = Callable[[Mapping[str, Any]], Mapping[str, tuple[str, ...]]]


class Source(NamedTuple):
    """Something that figures are read from: the attributes, or the document inside one of them.

    `attribute` '' means the attributes themselves; `inside` is a path in the document.
    """

    find: Find
    attribute: str = ""
    inside: str = ""


class Rule(NamedTuple):
    """`sources` are alternatives: the first that gives an input or an output is the one that was read.

    Of one alternative the first source that has a figure gives it. None at all: it stands in an event.
    """

    words: str
    sources: tuple[tuple[Source, ...], ...]


def _attributes(places: Places) -> Source:
    def find(found: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
        named = {
            figure: next((name for name in names if count(found.get(name)) is not None), None)
            for figure, names in places.items()
        }
        return {figure: (name,) for figure, name in named.items() if name is not None}

    return Source(find)


def _document(attribute: str, places: Places, inside: str = "") -> Source:
    def find(found: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
        stand = {figure: first_path(found, paths) for figure, paths in places.items()}
        return {figure: (path,) for figure, path in stand.items() if path is not None}

    return Source(find, attribute, inside)


def _langfuse(found: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    return langfuse.buckets(found) if langfuse.has_buckets(found) else _VENDORS.find(found)


_VENDORS: Final = _document("", counts.PLACES)
_GENAI: Final = _attributes(usage.GENAI)
_OPENLLMETRY_REASONING: Final = _attributes(openllmetry.REASONING)

RULES: Final[Mapping[str, Rule]] = {
    "openinference": Rule(
        "OpenInference's token counts (llm.token_count.*).",
        ((_attributes(usage.OPENINFERENCE),),),
    ),
    "genai": Rule("OpenTelemetry GenAI's usage attributes (gen_ai.usage.*).", ((_GENAI,),)),
    "anthropic-sdk": Rule(
        "What Anthropic's SDK itself reported, which sees the numbers on the wire.",
        ((_GENAI,),),
    ),
    "openllmetry": Rule(
        "OpenLLMetry's usage attributes (gen_ai.usage.*).",
        ((_GENAI, _OPENLLMETRY_REASONING),),
    ),
    "openllmetry-llm": Rule(
        "The usage attributes of OpenLLMetry's releases before 0.19 (llm.usage.*).",
        ((_attributes(openllmetry.OLDER), _OPENLLMETRY_REASONING),),
    ),
    "vercel": Rule(
        "The Vercel AI SDK's usage (ai.usage.*); what it leaves out, from the provider's metadata.",
        ((_attributes(vercel.CALL), _document(vercel.METADATA, vercel.VENDOR)), (_attributes(vercel.EMBEDDING),)),
    ),
    "langfuse": Rule(
        "The usage that Langfuse's SDK keeps as JSON: its own exclusive buckets or a vendor's object.",
        ((Source(_langfuse, langfuse.USAGE),),),
    ),
    "langfuse-genai": Rule(
        "OpenTelemetry GenAI's usage attributes, as Langfuse's SDK sent none of its own.",
        ((_GENAI,),),
    ),
    "langsmith": Rule(
        "LangChain's counts as LangSmith's SDK exports them: cached tokens are in the input, reasoning in the output.",
        (
            (_document(langsmith.USAGE, counts.PLACES),),
            (
                _attributes({figure: usage.GENAI[figure] for figure in ("input_tokens", "output_tokens")}),
                _document(langsmith.INPUT_DETAILS, counts.INPUT_PARTS),
                _document(langsmith.OUTPUT_DETAILS, counts.OUTPUT_PARTS),
                _GENAI,
            ),
        ),
    ),
    "mlflow": Rule(
        "MLflow's usage, which has cached tokens in the input; reasoning is from the vendor's response.",
        ((_document(mlflow.USAGE, counts.PLACES), _document(mlflow.OUTPUTS, mlflow.REASONING, "usage")),),
    ),
    "mlflow-response": Rule(
        "The usage in the vendor's response, as MLflow sent none of its own (releases before 3).",
        tuple((_document(mlflow.OUTPUTS, counts.PLACES, inside),) for inside in ("usage", "usage_metadata")),
    ),
    "mlflow-genai": Rule("OpenTelemetry GenAI's usage attributes, as MLflow sent none of its own.", ((_GENAI,),)),
    "logfire": Rule(
        "The vendor's own usage object, which Logfire keeps as JSON.",
        ((_document(logfire.RESPONSE, counts.PLACES, "usage"),), (_document(logfire.RAW_USAGE, counts.PLACES),)),
    ),
    "autogen": Rule(
        "What AutoGen's message says that the model used (models_usage).",
        ((_document(autogen.MESSAGE, autogen.USAGE, "message.models_usage"),),),
    ),
    "haystack": Rule(
        "The vendor's usage object, which Haystack keeps in the meta of the answer.",
        tuple(
            (_document(attribute, counts.PLACES, f"{meta}.usage"),)
            for attribute in haystack.OUTPUTS[:2]
            for meta in haystack.METAS
        ),
    ),
    "llamaindex": Rule(
        "The vendor's usage object in the answer, as LlamaIndex tells it in the event that ends a call.",
        (),
    ),
}

#: What was done to the figures of a rule, by the end of its name.
AMENDMENTS: Final[Mapping[str, str]] = {
    "-legacy": "They came under their old names (prompt_tokens, completion_tokens).",
    "+cached": "The sender left cached tokens out of the input, so they were added to it.",
    "+reasoning": "The sender counted reasoning beside the output, so it was added to it.",
    "-reasoning": "The sender had added reasoning to an output that held it already, so it was taken off again.",
    "+incomplete": "The sender's SDK dropped the input or the output: tokens and cost are at least what is given.",
}

_AMENDMENT: Final = re.compile("|".join(map(re.escape, AMENDMENTS)))


def base(rule: str) -> str:
    """A rule's name without its amendments."""
    return _AMENDMENT.sub("", rule)


def in_events(rule: str) -> bool:
    """Whether the figures stand in an event of the span, and none in its attributes."""
    known = RULES.get(base(rule))
    return known is not None and not known.sources


def words(rule: str) -> str:
    """A rule's name in words; of a rule that is not known only its name."""
    known = RULES.get(base(rule))
    said = known.words if known else f"Read by the rule {base(rule)!r}."
    return " ".join([said, *(AMENDMENTS[end] for end in _AMENDMENT.findall(rule))])
