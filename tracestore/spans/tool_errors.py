"""Why a tool failed, from the HTTP request that it made.

Hosted tools and sandboxes are called over HTTP: the client's span stays below its tool, as `other`.
Where the tool's span only says that it failed, the request tells why, if it is certain which.
"""

from __future__ import annotations

from tracestore.spans.forest import Forest
from tracestore.spans.model import Span
from tracestore.spans.semconv.errors import UNKNOWN


def name_failures(forest: Forest) -> None:
    """Give a failed tool without an error type the HTTP status that all its failed requests had."""
    failed = {
        (span.record.trace_id, span.record.span_id): set[str]()
        for span in forest.spans
        if span.type == "tool" and span.error_type == UNKNOWN
    }
    if not failed:
        return
    for span in forest.spans:
        if _is_failed_request(span):
            above = forest.parent(span)
            if above is not None:
                statuses = failed.get((above.record.trace_id, above.record.span_id))
                if statuses is not None:
                    statuses.add(span.error_type)
    for span in forest.spans:
        statuses = failed.get((span.record.trace_id, span.record.span_id))
        if statuses is not None and len(statuses) == 1 and span.type == "tool":
            span.error_type = next(iter(statuses))


def _is_failed_request(span: Span) -> bool:
    status = span.error_type
    return (
        span.type == "other"
        and span.record.kind == "client"
        and len(status) == 3
        and status.isascii()
        and status.isdigit()
        and status[0] in "45"
    )
