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
        "ai.documents",
        "ai.embedding",
        "ai.embeddings",
        "ai.prompt",
        "ai.prompt.messages",
        "ai.prompt.tools",
        "ai.response.object",
        "ai.response.providerMetadata",
        "ai.response.reasoning",
        "ai.response.text",
        "ai.response.toolCalls",
        "ai.schema",
        "ai.toolCall.args",
        "ai.toolCall.result",
        "ai.value",
        "ai.values",
        "all_messages_events",
        "crew_agents",
        "crew_inputs",
        "crew_tasks",
        "embedding.text",
        "embedding.vector",
        "events",
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
        "haystack.agent.input",
        "haystack.agent.output",
        "haystack.agent.state_schema",
        "haystack.agent.step.llm.input",
        "haystack.agent.step.llm.output",
        "haystack.agent.step.tool.input",
        "haystack.agent.step.tool.output",
        "haystack.agent.tools",
        "haystack.component.input",
        "haystack.component.input_spec",
        "haystack.component.output",
        "haystack.component.output_spec",
        "haystack.pipeline.input_data",
        "haystack.pipeline.output_data",
        "input.value",
        "llamaindex.step.input_summary",
        "langfuse.observation.input",
        "langfuse.observation.output",
        "langfuse.trace.input",
        "langfuse.trace.output",
        "llm.functions",
        "llm.invocation_parameters",
        "logfire.json_schema",
        "message",
        "mlflow.chat.tools",
        "mlflow.spanInputs",
        "mlflow.spanOutputs",
        "model_request_parameters",
        "output.value",
        "pydantic_ai.all_messages",
        "request_data",
        "reranker.query",
        "response_data",
        "retrieval.query",
        "tool.parameters",
        "tool_arguments",
        "tool_call.function.arguments",
        "tool_response",
        "traceloop.entity.input",
        "traceloop.entity.output",
    }
)

_PREFIXES: Final = (
    "llm.input_messages.",
    "llm.output_messages.",
    "llm.tools.",
    "llm.prompts.",
    "llm.completions.",
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


class _Named(dict[str, bool]):
    """Attribute name → whether it belongs to the payload whatever its value; filled as names are met."""

    def __missing__(self, key: str) -> bool:
        found = key in _KEYS or key.startswith(_PREFIXES)
        if len(self) < _REMEMBERED:
            self[key] = found
        return found


#: Names of attributes are few; the bound is for senders who make them up.
_REMEMBERED: Final = 10_000
_named: Final = _Named()


def is_payload(key: str) -> bool:
    """Whether what stands under this name belongs to the payload whatever its value."""
    return _named[key]


def payload_attributes(attributes: Attributes) -> frozenset[str]:
    """The keys whose values belong to the payload."""
    named = _named
    return frozenset(
        [key for key, value in attributes.items() if named[key] or (value.__class__ is str and len(value) > MAX_LABEL)]
    )
