"""Budgets: listed with how they stand, made, changed, deleted, and brought back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import verdict_shapes
from dashboard.api.endpoint import Endpoint
from dashboard.api.prices import made
from dashboard.api.saved_views import fields
from dashboard.api.schema import PROJECT, answers
from tracestore.alerts import budgets
from tracestore.alerts.models import Budget, BudgetState

BUDGET_ID = OpenApiParameter("budget_id", OpenApiTypes.INT, OpenApiParameter.PATH)
#: States that an answer names of each budget.
MOST_STATES = 20


def as_listed(budget: Budget, states: Iterable[BudgetState]) -> dict[str, Any]:
    own = [state for state in states if state.budget_id == budget.pk][:MOST_STATES]
    return {
        "id": budget.pk,
        **{name: getattr(budget, name) for name in budgets.FIELDS},
        "created_at": budget.created_at,
        "changed_at": budget.changed_at,
        "states": [
            {"subject": one.subject, "action": one.action, "spent": one.spent, "share": one.spent / budget.limit,
             "reason": one.reason, "at": one.at}
            for one in own
        ],
    }  # fmt: skip


class BudgetList(Endpoint):
    @extend_schema(
        operation_id="budgets_list",
        tags=["budgets"],
        summary="List budgets",
        description="All budgets of the project, with whom they warn or halt now.",
        parameters=[PROJECT],
        responses=answers(verdict_shapes.BudgetPage),
    )
    def get(self, request: Request) -> Response:
        states = list(budgets.states(self.project)[:1000])
        return Response({"results": [as_listed(one, states) for one in budgets.listed(self.project)], "next": None})

    @extend_schema(
        operation_id="budgets_create",
        tags=["budgets"],
        summary="Make a budget",
        description="Needs name, measure, scope and limit. Runs hear of it within seconds.",
        parameters=[PROJECT],
        request=verdict_shapes.BudgetFields,
        responses=made(verdict_shapes.Budget, 201, 400),
    )
    def post(self, request: Request) -> Response:
        return Response(as_listed(budgets.create(self.project, fields(request.data)), ()), status=201)


class BudgetItem(Endpoint):
    @extend_schema(
        operation_id="budgets_read",
        tags=["budgets"],
        summary="Read a budget",
        description="With whom it warns or halts now.",
        parameters=[BUDGET_ID, PROJECT],
        responses=answers(verdict_shapes.Budget, 404),
    )
    def get(self, request: Request, budget_id: int) -> Response:
        found = budgets.one(self.project, budget_id)
        return Response(as_listed(found, budgets.states(self.project).filter(budget=found)[:MOST_STATES]))

    @extend_schema(
        operation_id="budgets_update",
        tags=["budgets"],
        summary="Change a budget",
        description="Only the fields that are sent change. How it stands is judged anew.",
        parameters=[BUDGET_ID, PROJECT],
        request=verdict_shapes.BudgetFields,
        responses=answers(verdict_shapes.Budget, 400, 404),
    )
    def patch(self, request: Request, budget_id: int) -> Response:
        return Response(as_listed(budgets.change(self.project, budget_id, fields(request.data)), ()))

    @extend_schema(
        operation_id="budgets_delete",
        tags=["budgets"],
        summary="Delete a budget",
        description="Answers with the budget that was. For a day it can be brought back.",
        parameters=[BUDGET_ID, PROJECT],
        responses=answers(verdict_shapes.Budget, 404),
    )
    def delete(self, request: Request, budget_id: int) -> Response:
        return Response(as_listed(budgets.delete(self.project, budget_id), ()))


class BudgetRestoring(Endpoint):
    @extend_schema(
        operation_id="budgets_restore",
        tags=["budgets"],
        summary="Bring a deleted budget back",
        description="Within a day of its deletion.",
        parameters=[BUDGET_ID, PROJECT],
        request=None,
        responses=answers(verdict_shapes.Budget, 400, 404),
    )
    def post(self, request: Request, budget_id: int) -> Response:
        return Response(as_listed(budgets.restore(self.project, budget_id), ()))
