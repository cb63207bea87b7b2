"""LangGraph with the brake: an agent that loops is halted by Tracestore (docs/client.md).

pip install langgraph langchain langchain-openai openinference-instrumentation-langchain \
opentelemetry-exporter-otlp-proto-http
export OTEL_SERVICE_NAME=support OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318
export OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20KEY   # when Tracestore asks for keys
export TRACESTORE_URL=http://localhost:8000 TRACESTORE_API_KEY=KEY PYTHONPATH=.   # . has tracestore/client
"""

import os
import time

from langchain.agents import create_agent
from langchain_openai import ChatOpenAI
from openinference.instrumentation.langchain import LangChainInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from tracestore.client import Halted
from tracestore.client.langchain import BrakeHandler

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=500))
LangChainInstrumentor().instrument(tracer_provider=provider)

os.environ.setdefault("OPENAI_BASE_URL", "http://127.0.0.1:8088/v1")  # offline; for OpenAI itself set both
os.environ.setdefault("OPENAI_API_KEY", "offline")


def search_kb(query: str) -> str:
    """Looks something up in the knowledge base."""
    time.sleep(0.3)
    return f"{query}: no results"  # and the model asks again, and again


graph = create_agent(ChatOpenAI(model="gpt-5-mini"), tools=[search_kb], name="support_desk")
question = {"messages": [{"role": "user", "content": "Can I get my money back?"}]}
try:
    graph.invoke(question, {"callbacks": [BrakeHandler()], "configurable": {"thread_id": "ticket-1042"}})
except Halted as halted:
    print(f"halted after {halted.verdict.steps} steps: {halted}")
provider.shutdown()
