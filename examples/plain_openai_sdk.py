"""The OpenAI SDK without a framework: OpenInference traces the calls, two decorators mark the agent and its tool.

pip install openai openinference-instrumentation-openai opentelemetry-exporter-otlp-proto-http
export OTEL_SERVICE_NAME=support OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318
export OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20KEY   # when Tracestore asks for keys
"""

import json
import os

from openai import OpenAI
from openinference.instrumentation import TracerProvider, using_session
from openinference.instrumentation.openai import OpenAIInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
OpenAIInstrumentor().instrument(tracer_provider=provider)
tracer = provider.get_tracer("support")
os.environ.setdefault("OPENAI_BASE_URL", "http://127.0.0.1:8088/v1")  # offline; for OpenAI itself set both
os.environ.setdefault("OPENAI_API_KEY", "offline")
SCHEMA = {"type": "object", "properties": {"query": {"type": "string"}}}
TOOLS = [{"type": "function", "function": {"name": "search_kb", "parameters": SCHEMA}}]


@tracer.tool
def search_kb(query: str) -> str:
    return f"{query}: returns are accepted for 14 days."


@tracer.agent(name="support_desk")
def answer(question: str) -> str:
    chat, messages = OpenAI().chat.completions, [{"role": "user", "content": question}]
    while (reply := chat.create(model="gpt-5-mini", messages=messages, tools=TOOLS).choices[0].message).tool_calls:
        messages.append(reply)
        for call in reply.tool_calls:
            found = search_kb(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": found})
    return reply.content


with using_session("ticket-1042"):
    print(answer("Can I get my money back?"))
provider.shutdown()
