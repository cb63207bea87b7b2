"""Anything else: OpenTelemetry by hand, with the attributes of its conventions for generative AI. No model is called.

pip install opentelemetry-exporter-otlp-proto-http
export OTEL_SERVICE_NAME=support OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318
export OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20KEY   # when Tracestore asks for keys
"""

import json

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("support")


def message(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


question, answer = message("user", "Can I get my money back?"), message("assistant", "Yes, within 14 days.")
with tracer.start_as_current_span("invoke_agent support_desk") as run:
    run.set_attributes({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "support_desk"})
    run.set_attributes({"gen_ai.conversation.id": "ticket-1042", "gen_ai.input.messages": question})
    with tracer.start_as_current_span("execute_tool search_kb") as tool:
        tool.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search_kb"})
        tool.set_attribute("gen_ai.tool.call.arguments", json.dumps({"query": "refund policy"}))
        tool.set_attribute("gen_ai.tool.call.result", "Returns are accepted for 14 days.")
    with tracer.start_as_current_span("chat gpt-5-mini", kind=trace.SpanKind.CLIENT) as chat:
        chat.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai"})
        chat.set_attributes({"gen_ai.request.model": "gpt-5-mini", "gen_ai.input.messages": question})
        chat.set_attributes({"gen_ai.usage.input_tokens": 120, "gen_ai.usage.output_tokens": 18})
        chat.set_attribute("gen_ai.output.messages", answer)
    run.set_attribute("gen_ai.output.messages", answer)

# Spans leave in batches; without this the last ones would die with the process.
provider.shutdown()
