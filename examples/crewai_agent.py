"""CrewAI, traced by OpenInference: one package for agents and tools, one for the model calls.

pip install crewai openinference-instrumentation-crewai openinference-instrumentation-openai \
opentelemetry-exporter-otlp-proto-http
export OTEL_SERVICE_NAME=support OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318
export OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20KEY   # when Tracestore asks for keys
"""

import os

# CrewAI reports usage to its makers unless told not to, before it is imported. OTEL_SDK_DISABLED would silence us too.
os.environ |= {"CREWAI_DISABLE_TELEMETRY": "true", "CREWAI_TRACING_ENABLED": "false"}
os.environ.setdefault("OPENAI_BASE_URL", "http://127.0.0.1:8088/v1")  # offline; for OpenAI itself set both
os.environ.setdefault("OPENAI_API_KEY", "offline")

from crewai import Agent, Crew, Task
from crewai.tools import tool
from openinference.instrumentation import using_session
from openinference.instrumentation.crewai import CrewAIInstrumentor
from openinference.instrumentation.openai import OpenAIInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
CrewAIInstrumentor().instrument(tracer_provider=provider)
OpenAIInstrumentor().instrument(tracer_provider=provider)


@tool("search_kb")
def search_kb(query: str) -> str:
    """Looks something up in the knowledge base."""
    return f"{query}: returns are accepted for 14 days."


desk = Agent(role="support_desk", goal="Answer", backstory="Knows the rules", llm="gpt-5-mini", tools=[search_kb])
task = Task(description="Can I get my money back?", expected_output="One sentence", agent=desk)
with using_session("ticket-1042"):
    print(Crew(name="support", agents=[desk], tasks=[task]).kickoff())
provider.shutdown()
