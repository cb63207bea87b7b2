"""`agents/`, `tools/`, `sessions/`: figures over many traces, lists and one of each."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import aggregate_shapes as shapes
from dashboard.api import filters, representations
from dashboard.api.endpoint import Endpoint
from dashboard.api.model_list import cursor, read_cursor
from dashboard.api.schema import PROJECT, answers
from dashboard.api.times import EARLIEST, EXPECTED, LATEST, rfc3339
from dashboard.api.traces import LIMIT
from tracestore.clickhouse.aggregates import agents, judged, sessions, spend, tools
from tracestore.clickhouse.aggregates.agents import AgentFigures
from tracestore.clickhouse.aggregates.judged import Health
from tracestore.clickhouse.aggregates.period import Period
from tracestore.clickhouse.reader import get_reader
from tracestore.clickhouse.rows import TraceFilter
from tracestore.errors import InvalidInput

TIMES = [
    OpenApiParameter("since", str, description=f"What began at or after this time; {EXPECTED}."),
    OpenApiParameter("until", str, description="What began before this time; as `since`."),
]
PAGE = [*TIMES, LIMIT, OpenApiParameter("cursor", str, description="`next` of the page before."), PROJECT]

#: Turns of one session at most.
TURNS: Final = 1_000


def period(project: str, params: QueryDict) -> Period:
    """Raises InvalidInput when a bound is no time, or they are the wrong way round."""
    since, until = filters.bound(params, "since") or EARLIEST, filters.bound(params, "until") or LATEST
    if since > until:
        raise InvalidInput("since is later than until: expected an earlier time.", field="since")
    return Period(project, since, until)


def paged(request: Request) -> tuple[int, int]:
    """Limit and offset of a list that is computed whole."""
    params = request.query_params
    limit = filters.whole_number(params, "limit", filters.DEFAULT_LIMIT, filters.MAX_LIMIT)
    return limit, read_cursor(params.get("cursor", ""))


class AgentList(Endpoint):
    @extend_schema(
        operation_id="agents_list", tags=["agents"], summary="List agents",
        description="What each agent did in a time: traces, calls, errors, tokens, cost, latency. Most traces first.",
        parameters=PAGE, responses=answers(shapes.AgentPage, 400, 503),
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        limit, offset = paged(request)
        found = agents.agents(period(self.project, request.query_params))
        health = judged.latest_health(self.project)
        more = cursor(offset + limit) if len(found) > offset + limit else None
        return Response({"results": [agent(row, health) for row in found[offset : offset + limit]], "next": more})


class AgentItem(Endpoint):
    @extend_schema(
        operation_id="agents_read", tags=["agents"], summary="Read an agent",
        description="One agent in a time, with its versions, models, tools, usual ways and kinds of error.",
        parameters=[OpenApiParameter("name", str, OpenApiParameter.PATH), *TIMES, PROJECT],
        responses=answers(shapes.AgentDetail, 400, 404, 503),
    )  # fmt: skip
    def get(self, request: Request, name: str) -> Response:
        asked = period(self.project, request.query_params)
        answer = agent(agents.agent(asked, name), judged.latest_health(self.project))
        answer["version_figures"] = [timed(row) for row in agents.versions(asked, name)]
        answer["model_figures"] = [named(row, "model") for row in spend.spend(asked, "model", agent=name)]
        answer["tool_figures"] = [named(row, "tool", keep=True) for row in tools.tools(asked, agent=name)]
        answer["paths"] = [asdict(row) for row in agents.paths(asked, name)]
        answer["error_kinds"] = [timed(row) for row in tools.errors(asked, agent=name)]
        return Response(answer)


class ToolList(Endpoint):
    @extend_schema(
        operation_id="tools_list", tags=["tools"], summary="List tools",
        description="Calls, errors, latency and callers of each tool in a time. Most calls first.",
        parameters=PAGE, responses=answers(shapes.ToolPage, 400, 503),
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        limit, offset = paged(request)
        # One more than asked tells whether there is a next page.
        found = tools.tools(period(self.project, request.query_params), limit=limit + 1, offset=offset)
        more = cursor(offset + limit) if len(found) > limit else None
        return Response({"results": [named(row, "tool", keep=True) for row in found[:limit]], "next": more})


class ToolItem(Endpoint):
    @extend_schema(
        operation_id="tools_read", tags=["tools"], summary="Read a tool",
        description="One tool in a time, with who calls it and how it fails.",
        parameters=[OpenApiParameter("name", str, OpenApiParameter.PATH), *TIMES, PROJECT],
        responses=answers(shapes.ToolDetail, 400, 404, 503),
    )  # fmt: skip
    def get(self, request: Request, name: str) -> Response:
        asked = period(self.project, request.query_params)
        answer = named(tools.tool(asked, name), "tool", keep=True)
        answer["callers"] = [asdict(row) for row in tools.callers(asked, name)]
        answer["error_kinds"] = [timed(row) for row in tools.errors(asked, tool=name)]
        return Response(answer)


class SessionList(Endpoint):
    @extend_schema(
        operation_id="sessions_list", tags=["sessions"], summary="List sessions",
        description="Traces that share a conversation, in sums. Those that were last active come first.",
        parameters=[
            OpenApiParameter("agent", str, description="Only those in which this agent took part."),
            OpenApiParameter("user_id", str, description="Only those of this user."), *PAGE,
        ],
        responses=answers(shapes.SessionPage, 400, 503),
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        params = request.query_params
        limit = filters.whole_number(params, "limit", filters.DEFAULT_LIMIT, filters.MAX_LIMIT)
        found = sessions.sessions(
            period(self.project, params), agent=params.get("agent", ""), user=params.get("user_id", ""),
            limit=limit, cursor=params.get("cursor", ""),
        )  # fmt: skip
        return Response({"results": [timed(row) for row in found.results], "next": found.next})


class SessionItem(Endpoint):
    @extend_schema(
        operation_id="sessions_read", tags=["sessions"], summary="Read a session",
        description="One session over all time, with its traces as turns.",
        parameters=[OpenApiParameter("session_id", str, OpenApiParameter.PATH), PROJECT],
        responses=answers(shapes.SessionDetail, 404, 503),
    )  # fmt: skip
    def get(self, request: Request, session_id: str) -> Response:
        answer = timed(sessions.session(self.project, session_id))
        turns = get_reader().list_traces(self.project, TraceFilter(session_id=session_id), limit=TURNS).results
        answer["turns"] = [representations.trace_summary(turn) for turn in reversed(turns)]
        return Response(answer)


def agent(row: AgentFigures, health: dict[str, Health]) -> dict[str, Any]:
    known = health.get(row.agent)
    return {"name": row.agent, "state": known.state if known else "unknown"} | timed(row)


def named(row: Any, name: str, *, keep: bool = False) -> dict[str, Any]:
    """A row whose own name is called `name`; with `keep` both as that and as "name"."""
    fields = timed(row)
    if keep:
        return {"name": fields[name]} | fields
    return {name: fields.pop("name")} | fields


#: Field of a row in nanoseconds since 1970 → what the API calls it.
_MOMENTS: Final = {
    "start_ns": "start_time", "end_ns": "end_time", "first_ns": "first_start_time", "last_ns": "last_start_time",
}  # fmt: skip


def timed(row: Any) -> dict[str, Any]:
    """A row with its moments as the API writes them; null for what never was."""
    return {
        _MOMENTS.get(name, name): (rfc3339(value) if value else None) if name in _MOMENTS else value
        for name, value in asdict(row).items()
    }
