"""OpenAI Agents SDK, traced by OpenInference.

pip install openai-agents openinference-instrumentation-openai-agents opentelemetry-exporter-otlp-proto-http
export OTEL_SERVICE_NAME=support OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318
export OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20KEY   # when Tracestore asks for keys
"""

import os

from agents import Agent, Runner, function_tool
from openinference.instrumentation import using_session
from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
# Exclusive: the SDK would otherwise also send every trace to OpenAI's own dashboard.
OpenAIAgentsInstrumentor().instrument(tracer_provider=provider, exclusive_processor=True)

os.environ.setdefault("OPENAI_BASE_URL", "http://127.0.0.1:8088/v1")  # offline; for OpenAI itself set both
os.environ.setdefault("OPENAI_API_KEY", "offline")


@function_tool
def search_kb(query: str) -> str:
    """Looks something up in the knowledge base."""
    return f"{query}: returns are accepted for 14 days."


agent = Agent(name="support_desk", instructions="Use the knowledge base.", model="gpt-5-mini", tools=[search_kb])
with using_session("ticket-1042"):
    print(Runner.run_sync(agent, "Can I get my money back?").final_output)
provider.shutdown()
