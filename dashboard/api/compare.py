"""Two traces step by step: what the page `/compare/` shows, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import compare_shapes, representations, trace_ids
from dashboard.api.endpoint import Endpoint
from dashboard.api.schema import PROJECT, answers
from dashboard.compared_traces import Compared, compared, typical_of
from dashboard.comparison_words import first_difference
from tracestore.analysis.comparison import Pair, Step
from tracestore.clickhouse import reader
from tracestore.clickhouse.rows import SpanRow
from tracestore.errors import InvalidInput

TYPICAL = "typical"

DESCRIPTION = """Steps are calls of models, tools, retrievals and agents. They are aligned by what was called and with \
which arguments; `steps` has each step of both traces once, in order. `first_difference` is the place in it of the \
first step that takes another way: another step, model, arguments or outcome. Another answer alone is no other way."""


class CompareView(Endpoint):
    @extend_schema(
        operation_id="traces_compare",
        tags=["traces"],
        summary="Compare two traces",
        description=DESCRIPTION,
        parameters=[
            OpenApiParameter("a", str, required=True, description="A trace id."),
            OpenApiParameter(
                "b",
                str,
                required=True,
                description="Another one, or `typical` for the typical run of A's agent: of its latest 200 finished "
                "runs that went the most frequent way, the one in the middle by duration, cost and steps.",
            ),
            PROJECT,
        ],
        responses=answers(compare_shapes.TraceComparison, 400, 404, 503),
    )
    def get(self, request: Request) -> Response:
        wanted = [asked(request, name) for name in ("a", "b")]
        store = reader.get_reader()
        a = store.trace(self.project, trace_ids.trace_id(wanted[0]))
        typical = typical_of(self.project, a) if wanted[1] == TYPICAL else None
        b = store.trace(self.project, typical.trace_id if typical else trace_ids.trace_id(wanted[1]))
        if a.trace_id == b.trace_id:
            raise InvalidInput("b is the same trace as a: expected another one.", field="b")
        found = compared(self.project, a, b)
        return Response(answer(found) | {"typical": typical_words(typical)})


def asked(request: Request, name: str) -> str:
    text = request.query_params.get(name, "").strip()
    if not text:
        raise InvalidInput(f"{name} is missing: expected a trace id.", field=name)
    return str(text)


def typical_words(typical: Any) -> dict[str, Any] | None:
    return {"alike": typical.alike, "runs": typical.total} if typical else None


def answer(found: Compared) -> dict[str, Any]:
    comparison = found.comparison
    return {
        "a": representations.trace_summary(found.a),
        "b": representations.trace_summary(found.b),
        "words": first_difference(comparison),
        "first_difference": comparison.first if comparison.first >= 0 else None,
        "steps": [pair_shape(pair, found) for pair in comparison.pairs],
        "steps_left_out": comparison.hidden_a + comparison.hidden_b,
        "exact": found.is_exact,
    }


def pair_shape(pair: Pair, found: Compared) -> dict[str, Any]:
    return {
        "a": step_shape(pair.a, found.spans_a),
        "b": step_shape(pair.b, found.spans_b),
        "differences": list(pair.differences),
    }


def step_shape(step: Step | None, spans: Sequence[SpanRow]) -> dict[str, Any] | None:
    if step is None:
        return None
    row = spans[step.index]
    return {
        "number": step.number,
        "span_id": row.span_id,
        "type": step.type,
        "name": step.name,
        "model": step.model,
        "status": row.status,
        "duration_ns": row.duration_ns,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "cost_usd": row.cost_usd,
    }
