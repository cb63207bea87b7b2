"""What the store answers with → what the API answers with. Plain dicts: a trace may have 100,000 spans.

`trace_shapes.py` and `span_shapes.py` describe the same shapes for the OpenAPI schema; a test holds the two together.
"""

from __future__ import annotations

from typing import Any

from dashboard.api.times import rfc3339
from tracestore.clickhouse.rows import SpanDetail, SpanRow, TraceSummary


def trace_summary(row: TraceSummary) -> dict[str, Any]:
    return {
        "trace_id": row.trace_id,
        "name": row.name,
        "agent": row.agent,
        "service": row.service,
        "session_id": row.session_id,
        "user_id": row.user_id,
        "start_time": rfc3339(row.start_ns),
        "end_time": rfc3339(row.end_ns),
        "duration_ns": row.duration_ns,
        "span_count": row.span_count,
        "llm_calls": row.llm_calls,
        "tool_calls": row.tool_calls,
        "errors": row.errors,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "cache_read_tokens": row.cache_read_tokens,
        "cache_write_tokens": row.cache_write_tokens,
        "reasoning_tokens": row.reasoning_tokens,
        "cost_usd": row.cost_usd,
        "unpriced_calls": row.unpriced_calls,
        "incomplete": row.incomplete,
        "status": row.status,
        "findings": row.findings,
        "models": row.models,
        "tools": row.tools,
        "agents": row.agents,
        "input_preview": row.input_preview,
        "output_preview": row.output_preview,
    }


def span(project: str, detail: SpanDetail) -> dict[str, Any]:
    """Every column of the `spans` view: all that is known of a span but its payloads."""
    row: SpanRow = detail.row
    return {
        "project": project,
        "trace_id": row.trace_id,
        "span_id": row.span_id,
        "parent_span_id": row.parent_span_id,
        "name": row.name,
        "kind": row.kind,
        "type": row.type,
        "service": row.service,
        "agent": row.agent,
        "agent_id": row.agent_id,
        "agent_version": row.agent_version,
        "session_id": row.session_id,
        "user_id": row.user_id,
        "start_time": rfc3339(row.start_ns),
        "end_time": rfc3339(row.end_ns),
        "duration_ns": row.duration_ns,
        "status": row.status,
        "status_message": row.status_message,
        "error_type": row.error_type,
        "provider": row.provider,
        "model": row.model,
        "request_model": row.request_model,
        "operation": row.operation,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "cache_read_tokens": row.cache_read_tokens,
        "cache_write_tokens": row.cache_write_tokens,
        "reasoning_tokens": row.reasoning_tokens,
        "usage_rule": row.usage_rule,
        "cost_usd": row.cost_usd,
        "price_source": row.price_source,
        "tool_name": row.tool_name,
        "tool_call_id": row.tool_call_id,
        "finish_reason": row.finish_reason,
        "response_id": row.response_id,
        "convention": row.convention,
        "scope_name": row.scope_name,
        "scope_version": row.scope_version,
        "dropped_attributes": row.dropped_attributes,
        "attributes": detail.attributes,
        "resource_attributes": detail.resource_attributes,
        "scope_attributes": detail.scope_attributes,
        "dropped_events": detail.dropped_events,
        "dropped_links": detail.dropped_links,
        "flags": detail.envelope.flags,
        "resource_schema_url": detail.envelope.resource_schema_url,
        "scope_schema_url": detail.envelope.scope_schema_url,
        "resource_dropped_attributes": detail.envelope.resource_dropped,
        "scope_dropped_attributes": detail.envelope.scope_dropped,
        "events": [
            {
                "time": rfc3339(event.time_ns),
                "name": event.name,
                "attributes": event.attributes,
                "origin": event.origin,
                "dropped_attributes": event.dropped_attributes,
            }
            for event in detail.events
        ],
        "links": [
            {
                "trace_id": link.trace_id,
                "span_id": link.span_id,
                "attributes": link.attributes,
                "flags": link.flags,
                "dropped_attributes": link.dropped_attributes,
            }
            for link in detail.links
        ],
        "input_preview": row.input_preview,
        "output_preview": row.output_preview,
        "input_bytes": row.input_bytes,
        "output_bytes": row.output_bytes,
    }


def evaluations(detail: SpanDetail) -> list[dict[str, Any]]:
    """What evaluators said of a span, as far as it has come in."""
    return [
        {
            "name": found.name,
            "score": found.score,
            "label": found.label,
            "explanation": found.explanation,
            "time": rfc3339(found.time_ns),
        }
        for found in detail.evaluations
    ]
