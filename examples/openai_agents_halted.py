"""OpenAI Agents SDK with the brake: an agent that loops is halted by Tracestore (docs/client.md).

pip install openai-agents openinference-instrumentation-openai-agents opentelemetry-exporter-otlp-proto-http
export OTEL_SERVICE_NAME=support OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318
export OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20KEY   # when Tracestore asks for keys
export TRACESTORE_URL=http://localhost:8000 TRACESTORE_API_KEY=KEY PYTHONPATH=.   # . has tracestore/client
"""

import os
import time

from agents import Agent, Runner, function_tool
from openinference.instrumentation import using_session
from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from tracestore.client import Halted
from tracestore.client.openai_agents import BrakeHooks

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=500))
OpenAIAgentsInstrumentor().instrument(tracer_provider=provider, exclusive_processor=True)

os.environ.setdefault("OPENAI_BASE_URL", "http://127.0.0.1:8088/v1")  # offline; for OpenAI itself set both
os.environ.setdefault("OPENAI_API_KEY", "offline")


@function_tool
def search_kb(query: str) -> str:
    """Looks something up in the knowledge base."""
    time.sleep(0.3)
    return f"{query}: no results"  # and the model asks again, and again


agent = Agent(name="support_desk", instructions="Use the knowledge base.", model="gpt-5-mini", tools=[search_kb])
try:
    with using_session("ticket-1042"):
        Runner.run_sync(agent, "Can I get my money back?", hooks=BrakeHooks(), max_turns=200)
except Halted as halted:
    print(f"halted after {halted.verdict.steps} steps: {halted}")
provider.shutdown()
