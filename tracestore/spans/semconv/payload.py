"""Which attributes are payload (messages, documents, vectors, large values) and not labels.

Payload attributes are stored apart from the hot table, so this decides what a listing query can
read cheaply. Anything not recognised is payload only when it is large.
"""

from __future__ import annotations

from typing import Final

from tracestore.spans.model import Attributes

#: A string longer than this is payload whatever its key.
MAX_LABEL: Final = 512

_KEYS: Final = frozenset(
    {
        "crew_agents",
        "crew_inputs",
        "crew_tasks",
        "embedding.text",
        "embedding.vector",
        "final_result",
        "gen_ai.completion",
        "gen_ai.evaluation.explanation",
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.prompt",
        "gen_ai.retrieval.documents",
        "gen_ai.retrieval.query.text",
        "gen_ai.memory.query",
        "gen_ai.memory.query.text",
        "gen_ai.memory.records",
        "gen_ai.memory.search.results",
        "gen_ai.system_instructions",
        "gen_ai.task.input",
        "gen_ai.task.output",
        "gen_ai.tool.call.arguments",
        "gen_ai.tool.call.result",
        "gen_ai.tool.definitions",
        "gen_ai.tool.json_schema",
        "input.value",
        "llm.functions",
        "llm.invocation_parameters",
        "logfire.json_schema",
        "message",
        "model_request_parameters",
        "output.value",
        "pydantic_ai.all_messages",
        "retrieval.query",
        "reranker.query",
        "tool.parameters",
        "tool_call.function.arguments",
        "traceloop.entity.input",
        "traceloop.entity.output",
    }
)

_PREFIXES: Final = (
    "llm.input_messages.",
    "llm.output_messages.",
    "llm.tools.",
    "llm.prompts.",
    "llm.choices.",
    "llm.prompt_template.",
    "llm.request.functions.",
    "gen_ai.prompt.",
    "gen_ai.completion.",
    "embedding.embeddings.",
    "retrieval.documents.",
    "reranker.input_documents.",
    "reranker.output_documents.",
)


def payload_attributes(attributes: Attributes) -> frozenset[str]:
    """The keys whose values belong to the payload."""
    return frozenset(
        [
            key
            for key, value in attributes.items()
            if (value.__class__ is str and len(value) > MAX_LABEL) or key in _KEYS or key.startswith(_PREFIXES)
        ]
    )
