"""What the page of an organisation does with invitations: made, sent again, taken back."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from dashboard.join_links import link
from dashboard.pages.organisation import form, shown
from dashboard.pages.organisation_access import person
from tracestore.models import Invitation, Organisation
from tracestore.organisations import invitation_mail, invitations, organisations


@form("invite")
def invite(request: HttpRequest, organisation: Organisation) -> HttpResponse:
    sent = request.POST
    fields = {"email": sent.get("email"), "role": sent.get("role"), "project": sent.get("in")}
    return told(request, organisation, *invitations.create(organisation, person(request), fields))


@form("invitations")
def resend(request: HttpRequest, organisation: Organisation, number: int) -> HttpResponse:
    return told(request, organisation, *invitations.resend(organisation, person(request), number))


@form("invitations")
def revoke(request: HttpRequest, organisation: Organisation, number: int) -> str:
    one = invitations.revoke(organisation, person(request), number)
    return f"The invitation{f' of {one.email}' if one.email else ''} is taken back."


def told(request: HttpRequest, organisation: Organisation, one: Invitation, token: str) -> HttpResponse:
    """The page with the link. No redirect: between two requests the link would have to be kept in clear."""
    address = link(request, token)
    sending = invitation_mail.send(one, address)
    role = organisations.role_of(person(request), organisation)
    return shown(request, organisation, role, invited={"one": one, "link": address, "sending": sending}, status=201)
