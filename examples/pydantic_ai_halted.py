"""Pydantic AI with the brake: an agent that loops is halted by Tracestore (docs/client.md).

pip install "pydantic-ai-slim[openai]" opentelemetry-exporter-otlp-proto-http
export OTEL_SERVICE_NAME=support OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318
export OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20KEY   # when Tracestore asks for keys
export TRACESTORE_URL=http://localhost:8000 TRACESTORE_API_KEY=KEY PYTHONPATH=.   # . has tracestore/client
"""

import os
import time

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pydantic_ai import Agent
from pydantic_ai.models.instrumented import InstrumentationSettings

from tracestore.client import Halted
from tracestore.client.pydantic_ai import BrakeCapability

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=500))
Agent.instrument_all(InstrumentationSettings(tracer_provider=provider))

os.environ.setdefault("OPENAI_BASE_URL", "http://127.0.0.1:8088/v1")  # offline; for OpenAI itself set both
os.environ.setdefault("OPENAI_API_KEY", "offline")

agent = Agent("openai:gpt-5-mini", name="support_desk", capabilities=[BrakeCapability()])


@agent.tool_plain
def search_kb(query: str) -> str:
    """Looks something up in the knowledge base."""
    time.sleep(0.3)
    return f"{query}: no results"  # and the model asks again, and again


try:
    agent.run_sync("Can I get my money back?", conversation_id="ticket-1042")
except Halted as halted:
    print(f"halted after {halted.verdict.steps} steps: {halted}")
provider.shutdown()
