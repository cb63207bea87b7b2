"""Organisations, their people and invitations, as the API describes them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from dashboard.api.shape_fields import choice
from tracestore.models import ProjectDeletion as ProjectDeletionRow
from tracestore.models import Role
from tracestore.organisations.naming import MOST_NAME

SLUG = OpenApiParameter("slug", OpenApiTypes.STR, OpenApiParameter.PATH, description="Slug of the organisation.")
USER_ID = OpenApiParameter("user_id", OpenApiTypes.INT, OpenApiParameter.PATH)
INVITATION_ID = OpenApiParameter("invitation_id", OpenApiTypes.INT, OpenApiParameter.PATH)
PROJECT_SLUG = OpenApiParameter("slug", OpenApiTypes.STR, OpenApiParameter.PATH, description="Slug of the project.")


def role(**more: Any) -> serializers.ChoiceField:
    return serializers.ChoiceField(Role.values, **more)


class Organisation(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()
    role = role(allow_null=True, help_text="Yours; null if you are in single projects of it only.")
    created_at = serializers.DateTimeField()


class OrganisationProject(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()


class LeavingProject(OrganisationProject):
    due_at = serializers.DateTimeField(help_text="When its data begin to go.")


class WholeOrganisation(Organisation):
    projects = OrganisationProject(many=True, help_text="Those that you may see.")
    to_be_deleted = LeavingProject(many=True, help_text="For owners and admins: projects that are closed.")


class OrganisationPage(serializers.Serializer[Any]):
    results = Organisation(many=True)
    next = serializers.CharField(allow_null=True)


class OrganisationFields(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=MOST_NAME)


class NewOrganisation(OrganisationFields):
    slug = serializers.CharField(required=False, max_length=64, help_text="Made of the name unless it is said.")


class NewProject(NewOrganisation):
    organisation = serializers.CharField(
        required=False, max_length=64, help_text="Slug of one that you manage: that of your project unless it is said."
    )


class Project(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()
    organisation = serializers.CharField(help_text="Its slug.")
    role = role(allow_null=True, help_text="Yours, by the organisation or the project; null for a key.")
    scopes = serializers.ListField(child=serializers.CharField(), help_text="What these credentials may do there.")
    created_at = serializers.DateTimeField()


class ProjectPage(serializers.Serializer[Any]):
    results = Project(many=True)
    next = serializers.CharField(allow_null=True)


class TypedName(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=MOST_NAME, help_text="Its name, to confirm it.")


class DeletedRows(serializers.Serializer[Any]):
    table = serializers.CharField(help_text="A table of the store or of the metadata database.")
    before = serializers.IntegerField(help_text="Rows when it began, old versions included.")
    left = serializers.IntegerField(allow_null=True, help_text="Counted at the end; null before.")


class ProjectDeletion(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()
    organisation = serializers.CharField(help_text="Its slug.")
    state = choice(tuple(ProjectDeletionRow.State.values), "While it is `scheduled` it can be taken back.")
    message = serializers.CharField(help_text="What it is at, or why it waits.")
    tables = DeletedRows(many=True)
    requested_at = serializers.DateTimeField()
    requested_by = serializers.CharField()
    due_at = serializers.DateTimeField(help_text="When the data begin to go.")
    finished_at = serializers.DateTimeField(allow_null=True)


class MemberProject(serializers.Serializer[Any]):
    project = serializers.CharField()
    role = role()


class Member(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()
    role = role(allow_null=True, help_text="In the organisation; null if only in single projects.")
    projects = MemberProject(many=True, help_text="Roles in single projects; the higher role counts.")
    active = serializers.BooleanField(help_text="Whether the account can log in.")


class MemberPage(serializers.Serializer[Any]):
    results = Member(many=True)
    next = serializers.CharField(allow_null=True)


class MemberFields(serializers.Serializer[Any]):
    role = role(allow_null=True, help_text="null takes the role away.")
    project = serializers.CharField(
        required=False, allow_null=True, max_length=64, help_text="In one project instead of the organisation."
    )


class InvitationFields(serializers.Serializer[Any]):
    role = role()
    email = serializers.CharField(required=False, max_length=254, help_text="Where the link is sent, with mail set up.")
    project = serializers.CharField(
        required=False, allow_null=True, max_length=64, help_text="Into one project instead of the organisation."
    )


class Invitation(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    email = serializers.CharField()
    role = role()
    project = serializers.CharField(allow_null=True, help_text="null: into the whole organisation.")
    state = serializers.CharField(help_text="open, accepted, revoked or expired.")
    invited_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    accepted_at = serializers.DateTimeField(allow_null=True)
    accepted_by = serializers.CharField(allow_null=True)


class InvitationPage(serializers.Serializer[Any]):
    results = Invitation(many=True)
    next = serializers.CharField(allow_null=True)


class MadeInvitation(Invitation):
    link = serializers.CharField(help_text="The link to accept it by. It is not shown again.")
    sent = serializers.BooleanField(help_text="Whether it was sent by e-mail.")
    not_sent = serializers.CharField(help_text="Why it was not sent.")
