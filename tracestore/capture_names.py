"""Which attributes a project that keeps no content keeps: a list of what is known to be harmless, all else goes.

The names are identifiers, kinds, codes and places by the conventions (OpenTelemetry semantic conventions,
OpenInference, OpenLLMetry, and what the frameworks add); none of them is where a model, a tool or a user speaks.
Numbers and booleans are kept under any name but that of content.
"""

from __future__ import annotations

import re
from typing import Final

from tracestore.spans.semconv.payload import is_payload

_NAMES: Final = """
    agent.name agent_name ai.model.id ai.model.provider ai.operationId ai.response.finishReason ai.response.id
    ai.response.model ai.response.timestamp ai.telemetry.functionId ai.toolCall.id ai.toolCall.name
    anthropic.message.stop_reason anthropic.response.service_tier code.filepath code.function code.function.name
    code.lineno code.namespace crew_id crew_key db.collection.name db.name db.namespace db.operation
    db.operation.name db.system db.system.name embedding.model_name enduser.id error.type event.name
    event_loop.cycle_id event_loop.parent_cycle_id exception.escaped exception.type finish_reason
    gcp.vertex.agent.event_id gcp.vertex.agent.invocation_id gcp.vertex.agent.session_id gen_ai.agent.call.id
    gen_ai.agent.id gen_ai.agent.name gen_ai.agent.version gen_ai.conversation.id gen_ai.data_source.id
    gen_ai.evaluation.name gen_ai.event.end_time gen_ai.event.start_time gen_ai.framework
    gen_ai.handoff.from_agent gen_ai.handoff.to_agent gen_ai.openai.response.system_fingerprint
    gen_ai.operation.name gen_ai.output.type gen_ai.provider.name gen_ai.request.encoding_formats
    gen_ai.request.model gen_ai.response.finish_reasons gen_ai.response.id gen_ai.response.model gen_ai.system
    gen_ai.task.id gen_ai.task.kind gen_ai.task.name gen_ai.task.parent.id gen_ai.task.status gen_ai.token.type
    gen_ai.tool.call.id gen_ai.tool.name gen_ai.tool.status gen_ai.tool.type gen_ai.workflow.name graph.node.id
    graph.node.parent_id http.method http.request.method http.response.status_code http.route http.status_code
    id input.mime_type jsonrpc.protocol.version jsonrpc.request.id langfuse.environment
    langfuse.observation.level langfuse.observation.model.name langfuse.observation.type langfuse.release
    langfuse.session.id langfuse.trace.id langfuse.user.id langfuse.version langsmith.run_id langsmith.span.kind
    langsmith.trace.session_id level llm.finish_reason llm.model_name llm.provider llm.request.type llm.system
    logfire.level_num logfire.span_type mcp.method.name mcp.protocol.version mcp.session.id
    messaging.message.type messaging.operation messaging.operation.name messaging.operation.type
    messaging.system mlflow.spanType mlflow.traceRequestId model_name net.peer.name network.peer.address
    network.protocol.name network.protocol.version network.transport openai.api.type openai.request.service_tier
    openai.response.service_tier openai.response.system_fingerprint openinference.project.name
    openinference.span.kind operation.name otel.scope.name otel.scope.version otel.status_code output.mime_type
    peer.service pydantic_ai.cache.collapse_reason pydantic_ai.tool.retry.cause recipient_agent_class
    recipient_agent_type role rpc.method rpc.service rpc.system sender_agent_class sender_agent_type
    server.address session.id severity span.kind task_id task_key task_name thread.name tool.name tool_call.id
    tool_call_id tool_name traceloop.association.properties.langgraph_node
    traceloop.association.properties.lc_agent_name traceloop.association.properties.ls_integration
    traceloop.association.properties.ls_model_name traceloop.association.properties.ls_model_type
    traceloop.association.properties.ls_provider traceloop.association.properties.session_id
    traceloop.association.properties.thread_id traceloop.association.properties.user_id traceloop.entity.name
    traceloop.entity.path traceloop.entity.version traceloop.span.kind traceloop.workflow.name url.scheme
    user.id
"""
#: Text under these names is kept.
NAMES: Final = frozenset(_NAMES.split())
#: As above, for all names that begin so.
PREFIXES: Final = (
    "cloud.", "container.", "deployment.", "faas.", "host.", "k8s.", "os.", "process.runtime.", "service.",
    "telemetry.",
)  # fmt: skip
#: JSON objects of figures: kept where all in them is numbers.
FIGURES: Final = frozenset(
    {
        "langfuse.observation.cost_details",
        "langfuse.observation.usage_details",
        "mlflow.chat.tokenUsage",
        "mlflow.llm.cost",
    }
)
#: Of a resource, which is set before anybody speaks, all is kept but this: the command may hold the question.
COMMANDS: Final = ("process.command",)
#: The fields of a GenAI event's body that are kept.
BODY: Final = ("finish_reason", "index")
#: A longer text is no identifier, whatever its name.
MOST_TEXT: Final = 256
MOST_NAME: Final = 256
#: Texts in one list.
MOST_ITEMS: Final = 64

_IDENTIFIER: Final = re.compile(r"[\w.:/@\-\[\]]{1,200}", re.ASCII)


def keeps_text(name: str) -> bool:
    """Whether text under this name is kept."""
    return name in NAMES or name.startswith(PREFIXES)


def keeps_number(name: str) -> bool:
    """Whether a number under this name is kept: not within content, and not if the name itself is a text."""
    if _IDENTIFIER.fullmatch(name) is None:
        return False
    parts = name.split(".")
    return not any(is_payload(".".join(parts[: length + 1])) for length in range(len(parts)))
