"""CrewAI with the brake: an agent that loops is halted by Tracestore (docs/client.md).

pip install crewai openinference-instrumentation-crewai openinference-instrumentation-openai \
opentelemetry-exporter-otlp-proto-http
export OTEL_SERVICE_NAME=support OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318
export OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20KEY   # when Tracestore asks for keys
export TRACESTORE_URL=http://localhost:8000 TRACESTORE_API_KEY=KEY PYTHONPATH=.   # . has tracestore/client
"""

import os
import time

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

from tracestore.client import Halted, crewai

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=500))
CrewAIInstrumentor().instrument(tracer_provider=provider)
OpenAIInstrumentor().instrument(tracer_provider=provider)
crewai.install()


@tool("search_kb")
def search_kb(query: str) -> str:
    """Looks something up in the knowledge base."""
    time.sleep(0.3)
    # The model asks again, and again. (Five equal answers would make CrewAI give up by itself.)
    return f"{query}: no results at {time.time():.3f}"


desk = Agent(role="support_desk", goal="Answer", backstory="Knows the rules", llm="gpt-5-mini", tools=[search_kb])
desk.max_iter = 200
task = Task(description="Can I get my money back?", expected_output="One sentence", agent=desk)
try:
    with using_session("ticket-1042"):
        Crew(name="support", agents=[desk], tasks=[task]).kickoff()
except Halted as halted:
    print(f"halted after {halted.verdict.steps} steps: {halted}")
provider.shutdown()
