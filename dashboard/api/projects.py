"""Who am I: the project and scopes behind the credentials of this request."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api import serializers
from dashboard.api.authentication import BrowserAuthentication, KeyAuthentication, identity
from dashboard.api.endpoint import Endpoint
from dashboard.api.permissions import HasIdentity
from dashboard.api.schema import PROJECT, answers
from tracestore.models import Project


class CurrentProject(Endpoint):
    # Any key may ask: a sender whose key lacks `read` is the one who needs to know.
    permission_classes = (HasIdentity,)

    @extend_schema(
        operation_id="projects_current",
        tags=["projects"],
        summary="Who am I",
        description="The project and scopes behind the credentials of this request.",
        parameters=[PROJECT],
        responses=answers(serializers.CurrentProject, 404),
    )
    def get(self, request: Request) -> Response:
        who = identity(request)
        project = Project.objects.filter(slug=who.project).first()
        return Response(
            {
                "project": who.project,
                "name": project.name if project else who.project,
                "scopes": sorted(who.scopes),
                "credentials": credentials(request),
                "key_prefix": who.key_prefix,
                "user": request.user.get_username() if request.user else "",
            }
        )


def credentials(request: Request) -> str:
    if isinstance(request.successful_authenticator, KeyAuthentication):
        return "key"
    if isinstance(request.successful_authenticator, BrowserAuthentication):
        return "session"
    return "loopback"
