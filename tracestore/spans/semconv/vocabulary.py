"""Words other people use, in the words of the `type`, `provider` and `model` columns."""

from __future__ import annotations

from typing import Final

#: `openinference.span.kind` (OpenInference specification, "Span Kinds") to `type`.
OPENINFERENCE_TYPES: Final = {
    "LLM": "llm",
    "TOOL": "tool",
    "AGENT": "agent",
    "CHAIN": "workflow",
    "PROMPT": "workflow",
    "RETRIEVER": "retrieval",
    "EMBEDDING": "embedding",
    "RERANKER": "rerank",
    "GUARDRAIL": "guardrail",
    "EVALUATOR": "evaluator",
}

#: The `operation` that a type amounts to where the dialect has no operation names.
OPERATIONS: Final = {
    "llm": "chat",
    "tool": "execute_tool",
    "agent": "invoke_agent",
    "embedding": "embeddings",
    "retrieval": "retrieval",
    "rerank": "rerank",
    "guardrail": "guardrail",
    "evaluator": "evaluation",
}

#: `gen_ai.operation.name` (OpenTelemetry GenAI semantic conventions, well-known values, and what
#: frameworks add) to `type`. `create_agent` builds an agent and is not a run of one.
OPERATION_TYPES: Final = {
    "chat": "llm",
    "generate_content": "llm",
    "text_completion": "llm",
    "completion": "llm",
    "response": "llm",
    # LiteLLM, which writes the function that was called; the `a` is for asyncio.
    "acompletion": "llm",
    "atext_completion": "llm",
    "responses": "llm",
    "aresponses": "llm",
    "anthropic_messages": "llm",
    "agenerate_content": "llm",
    "aembedding": "embedding",
    "arerank": "rerank",
    # Semantic Kernel, Python.
    "chat.completions": "llm",
    "chat.streaming_completions": "llm",
    "text.completions": "llm",
    "text.streaming_completions": "llm",
    "embeddings": "embedding",
    "embedding": "embedding",
    "execute_tool": "tool",
    "invoke_agent": "agent",
    "create_agent": "other",
    "invoke_workflow": "workflow",
    "execute_task": "workflow",
    "execute_event_loop_cycle": "workflow",
    "plan": "workflow",
    "agent_step": "workflow",
    "agent_handoff": "workflow",
    "handoff": "workflow",
    "unknown": "workflow",
    "retrieval": "retrieval",
    "vector_db_retrieve": "retrieval",
    "search_memory": "retrieval",
    "retrieve": "retrieval",
    "retrieve_memory": "retrieval",
    "rerank": "rerank",
    "guardrail": "guardrail",
    "evaluation": "evaluator",
    "evaluate": "evaluator",
}

#: `traceloop.span.kind` (OpenLLMetry) to `type`.
TRACELOOP_TYPES: Final = {
    "agent": "agent",
    "tool": "tool",
    "workflow": "workflow",
    "task": "workflow",
    "handoff": "workflow",
}

#: Values of the provider attributes that name the framework and not who answered.
FRAMEWORKS: Final = frozenset(
    {
        "ag2",
        "agno",
        "autogen",
        "crewai",
        "google-adk",
        "haystack",
        "langchain",
        "langgraph",
        "litellm",
        "llama_index",
        "llamaindex",
        "openai-agents",
        "pydantic-ai",
        "smolagents",
        "strands",
        "strands-agents",
        "traceloop",
        "unknown",
    }
)

#: Agent names that an instrumentation writes when it does not know the name.
PLACEHOLDER_AGENTS: Final = frozenset({"OpenAI Agent", "LangGraph", "RunnableSequence"})

#: Prefixes LiteLLM puts before a model name to choose the provider (`openai/gpt-4o`). A prefix
#: that is part of the model's own name (`meta-llama/…` at a hub) is not among them.
_ROUTES: Final = frozenset(
    {
        "ai21",
        "anthropic",
        "azure",
        "azure_ai",
        "bedrock",
        "cerebras",
        "cohere",
        "cohere_chat",
        "databricks",
        "deepinfra",
        "deepseek",
        "fireworks_ai",
        "gemini",
        "github",
        "google",
        "groq",
        "hosted_vllm",
        "huggingface",
        "litellm_proxy",
        "lm_studio",
        "mistral",
        "models",
        "moonshot",
        "nvidia_nim",
        "ollama",
        "ollama_chat",
        "openai",
        "openrouter",
        "perplexity",
        "replicate",
        "sagemaker",
        "sambanova",
        "together_ai",
        "vertex_ai",
        "vertex_ai_beta",
        "watsonx",
        "xai",
    }
)


def model_name(name: str) -> str:
    """The model as returned, without LiteLLM's routing prefixes or Google's `models/`."""
    if "/" not in name:
        return name
    while True:
        prefix, slash, rest = name.partition("/")
        if not slash or not rest or prefix not in _ROUTES:
            return name
        name = rest


def provider_name(name: str) -> str:
    """The vendor in lower case; '' when the sender wrote the name of its framework there."""
    lowered = name.lower()
    return "" if lowered in FRAMEWORKS else lowered
