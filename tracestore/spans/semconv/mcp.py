"""Model Context Protocol spans (OpenTelemetry MCP semantic conventions, `mcp.method.name`).

A tool call is reported twice: by the client, in the agent's process, where only the span name
says which tool; and by the server, which knows the tool and whether it failed. Alone, either is
the execution; when both are known `tracestore.spans.resolve` keeps the server's.
"""

from __future__ import annotations

from tracestore.spans.model import Span
from tracestore.spans.semconv import genai
from tracestore.spans.semconv.values import text


def read(span: Span) -> None:
    """Fill the columns of a span that carries `mcp.method.name`."""
    record = span.record
    method = text(record.attributes.get("mcp.method.name"))
    span.operation = method
    if method == "tools/call":
        span.type = "tool"
        genai.read_tool(span)
        if "gen_ai.tool.name" not in record.attributes:
            _, found, named = record.name.partition("tools/call ")
            span.tool_name = named if found else span.tool_name
        span.operation = "execute_tool"
    else:
        span.type = "other"
    span.convention = "mcp"
