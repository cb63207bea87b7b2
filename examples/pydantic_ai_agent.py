"""Pydantic AI with its own instrumentation.

pip install "pydantic-ai-slim[openai]" opentelemetry-exporter-otlp-proto-http
export OTEL_SERVICE_NAME=support OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318
export OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20KEY   # when Tracestore asks for keys
"""

import os

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pydantic_ai import Agent
from pydantic_ai.models.instrumented import InstrumentationSettings

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
Agent.instrument_all(InstrumentationSettings(tracer_provider=provider))

os.environ.setdefault("OPENAI_BASE_URL", "http://127.0.0.1:8088/v1")  # offline; for OpenAI itself set both
os.environ.setdefault("OPENAI_API_KEY", "offline")

agent = Agent("openai:gpt-5-mini", name="support_desk", instructions="Answer from the knowledge base.")


@agent.tool_plain
def search_kb(query: str) -> str:
    """Looks something up in the knowledge base."""
    return f"{query}: returns are accepted for 14 days."


print(agent.run_sync("Can I get my money back?", conversation_id="ticket-1042").output)
provider.shutdown()
