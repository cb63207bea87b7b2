"""The verdict on a run: may it go on? `verdict_lane` answers most of these questions before they come here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import filters, verdict_shapes
from dashboard.api.endpoint import Endpoint
from dashboard.api.schema import PROJECT, answers
from tracestore import verdicts
from tracestore.detectors.standing import KINDS
from tracestore.errors import InvalidInput

PARAMETERS = [
    OpenApiParameter("trace_id", str, description="The run's trace."),
    OpenApiParameter("session_id", str, description="Or its session: halts with any of its traces."),
    OpenApiParameter("agent", str, description="Or an agent: halts when all of its traces of 15 minutes do."),
    OpenApiParameter("tool", str, description="The tool that is to be called next: its breaker counts."),
    PROJECT,
]


class VerdictView(Endpoint):
    throttle_classes = ()  # see request_limit
    reads_on_account = False  # see read_budget

    @extend_schema(
        operation_id="verdict_read",
        tags=["verdicts"],
        summary="May this run go on?",
        description="For agents to ask between two steps. `halt`: by hand, by a breaker, a budget, or a critical loop, "
        "retry storm or runaway of the run; `warn` on other findings and budgets nearly spent. Answers `continue` when "
        "nothing is known, and while the store does not answer.",
        parameters=PARAMETERS,
        responses=answers(verdict_shapes.Verdict, 400),
    )
    def get(self, request: Request) -> Response:
        by, value, tool = asked(request.query_params)
        return Response(asdict(verdicts.ask(self.project, by, value, tool)))


def asked(params: Mapping[str, str]) -> tuple[str, str, str]:
    """What is asked about, and the tool that is named.

    Raises:
        InvalidInput: none or several are named, or one is too long.
    """
    given = {name: value for name in KINDS if (value := params.get(name, "").strip())}
    if len(given) != 1:
        raise InvalidInput("Expected one of trace_id, session_id and agent.", field="trace_id")
    ((by, value),) = given.items()
    tool = params.get("tool", "").strip()
    for name, text in ((by, value), ("tool", tool)):
        if len(text) > filters.MAX_TEXT:
            raise InvalidInput(f"{name} is too long: at most {filters.MAX_TEXT} characters.", field=name)
    return by, value.lower() if by == "trace_id" else value, tool
