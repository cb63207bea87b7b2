"""What is about people and organisations takes a person: keys belong to one project, and act for nobody."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import User
from rest_framework import exceptions
from rest_framework.request import Request

from dashboard.api.endpoint import Endpoint
from dashboard.api.permissions import HasIdentity, HasScope


class IsPerson(HasIdentity):
    """Lets logins through; what they may do there is said by their role in the organisation."""

    def has_permission(self, request: Request, view: Any) -> bool:
        super().has_permission(request, view)
        if not is_person(request):
            raise exceptions.PermissionDenied("This takes a login: keys are bound to one project and act for nobody.")
        return True


class PersonOrScope(HasScope):
    """Lets logins through, and keys that hold the view's scope."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return is_person(request) or super().has_permission(request, view)


class OfOrganisations(Endpoint):
    """The base of views about organisations."""

    permission_classes = (IsPerson,)
    # An organisation's first project has to be made by somebody.
    project_needed = False

    @property
    def person(self) -> User:
        return cast(User, self.request.user)


def is_person(request: Request) -> bool:
    return bool(request.user and request.user.is_authenticated)
