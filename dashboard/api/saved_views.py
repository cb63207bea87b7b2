"""Saved views of the trace list: listed, made, changed, deleted, and brought back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import setting_shapes
from dashboard.api.authentication import identity
from dashboard.api.endpoint import Endpoint
from dashboard.api.prices import made
from dashboard.api.schema import PROJECT, answers
from tracestore import saved_views
from tracestore.errors import InvalidInput
from tracestore.models import SavedView
from tracestore.saved_views import Viewer

VIEW_ID = OpenApiParameter("view_id", OpenApiTypes.INT, OpenApiParameter.PATH)


def viewer(request: Request) -> Viewer:
    who = identity(request)
    return Viewer(who.project, request.user.pk if request.user else None, "admin" in who.scopes)


def as_listed(view: SavedView, of: Viewer) -> dict[str, Any]:
    return {
        "id": view.pk,
        "name": view.name,
        "query": view.query,
        "since": view.since,
        "sort": view.sort,
        "columns": view.columns,
        "shared": view.shared,
        "own": view.owner_id is not None and view.owner_id == of.user_id,
        "may_change": of.may_change(view),
    }


def fields(sent: object) -> Mapping[str, Any]:
    if not isinstance(sent, Mapping):
        raise InvalidInput("The body is not an object: expected the fields as JSON.")
    return sent


class SavedViews(Endpoint):
    #: Who may change what is decided view by view.
    required_scope_unsafe = "read"

    @extend_schema(
        operation_id="saved_views_list",
        tags=["saved views"],
        summary="List saved views",
        description="The project's shared views, and those of the user who is logged in.",
        parameters=[PROJECT],
        responses=answers(setting_shapes.SavedViewPage),
    )
    def get(self, request: Request) -> Response:
        who = viewer(request)
        return Response({"results": [as_listed(view, who) for view in saved_views.of(who)], "next": None})

    @extend_schema(
        operation_id="saved_views_create",
        tags=["saved views"],
        summary="Save a view",
        description="A login's view is its own unless `shared`; a key's is always shared and needs the scope `admin`.",
        parameters=[PROJECT],
        request=setting_shapes.SavedViewFields,
        responses=made(setting_shapes.SavedView, 201, 400),
    )
    def post(self, request: Request) -> Response:
        who = viewer(request)
        return Response(as_listed(saved_views.save(who, fields(request.data)), who), status=201)


class SavedViewItem(Endpoint):
    required_scope_unsafe = "read"

    @extend_schema(
        operation_id="saved_views_update",
        tags=["saved views"],
        summary="Change a saved view",
        description="Only the fields that are sent change.",
        parameters=[VIEW_ID, PROJECT],
        request=setting_shapes.SavedViewFields,
        responses=answers(setting_shapes.SavedView, 400, 404),
    )
    def patch(self, request: Request, view_id: int) -> Response:
        who = viewer(request)
        return Response(as_listed(saved_views.save(who, fields(request.data), saved_views.find(who, view_id)), who))

    @extend_schema(
        operation_id="saved_views_delete",
        tags=["saved views"],
        summary="Delete a saved view",
        description="Answers with the view that was. For a day it can be brought back.",
        parameters=[VIEW_ID, PROJECT],
        responses=answers(setting_shapes.SavedView, 404),
    )
    def delete(self, request: Request, view_id: int) -> Response:
        who = viewer(request)
        return Response(as_listed(saved_views.delete(who, view_id), who))


class SavedViewRestoring(Endpoint):
    required_scope_unsafe = "read"

    @extend_schema(
        operation_id="saved_views_restore",
        tags=["saved views"],
        summary="Bring a deleted view back",
        description="Within a day of its deletion.",
        parameters=[VIEW_ID, PROJECT],
        request=None,
        responses=answers(setting_shapes.SavedView, 404),
    )
    def post(self, request: Request, view_id: int) -> Response:
        who = viewer(request)
        return Response(as_listed(saved_views.restore(who, view_id), who))
