"""LangGraph: LangChain's ready-made agent graph, traced by OpenInference.

pip install langgraph langchain langchain-openai openinference-instrumentation-langchain \
opentelemetry-exporter-otlp-proto-http
export OTEL_SERVICE_NAME=support OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318
export OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20KEY   # when Tracestore asks for keys
"""

import os

from langchain.agents import create_agent
from langchain_openai import ChatOpenAI
from openinference.instrumentation.langchain import LangChainInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
LangChainInstrumentor().instrument(tracer_provider=provider)

os.environ.setdefault("OPENAI_BASE_URL", "http://127.0.0.1:8088/v1")  # offline; for OpenAI itself set both
os.environ.setdefault("OPENAI_API_KEY", "offline")


def search_kb(query: str) -> str:
    """Looks something up in the knowledge base."""
    return f"{query}: returns are accepted for 14 days."


# The name is what Tracestore calls the agent; the thread becomes its session.
graph = create_agent(ChatOpenAI(model="gpt-5-mini"), tools=[search_kb], name="support_desk")
question = {"messages": [{"role": "user", "content": "Can I get my money back?"}]}
state = graph.invoke(question, {"configurable": {"thread_id": "ticket-1042"}})
print(state["messages"][-1].content)
provider.shutdown()
