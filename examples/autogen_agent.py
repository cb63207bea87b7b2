"""AutoGen: its own instrumentation for agents and tools, OpenLLMetry for the model calls that it leaves out.

pip install autogen-agentchat "autogen-ext[openai]" opentelemetry-instrumentation-openai \
opentelemetry-exporter-otlp-proto-http
export OTEL_SERVICE_NAME=support OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318
export OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20KEY   # when Tracestore asks for keys
"""

import asyncio
import os

from autogen_agentchat.agents import AssistantAgent
from autogen_ext.models.openai import OpenAIChatCompletionClient
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.openai import OpenAIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)  # AutoGen itself uses the global one
OpenAIInstrumentor().instrument(tracer_provider=provider)

os.environ.setdefault("OPENAI_BASE_URL", "http://127.0.0.1:8088/v1")  # offline; for OpenAI itself set both
os.environ.setdefault("OPENAI_API_KEY", "offline")


def search_kb(query: str) -> str:
    """Looks something up in the knowledge base."""
    return f"{query}: returns are accepted for 14 days."


# A span around all: each of AutoGen's own would be a trace by itself, and none would name the session.
with trace.get_tracer("support").start_as_current_span("ticket", attributes={"session.id": "ticket-1042"}):
    model = OpenAIChatCompletionClient(model="gpt-5-mini")
    agent = AssistantAgent("support_desk", model_client=model, tools=[search_kb], reflect_on_tool_use=True)
    print(asyncio.run(agent.run(task="Can I get my money back?")).messages[-1].content)
provider.shutdown()
