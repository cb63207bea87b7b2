"""The e-mail of an invitation, by the mail server of channels (`TRACESTORE_SMTP_URL`)."""

from __future__ import annotations

from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid

from django.conf import settings

from tracestore.alerts.notify import mail
from tracestore.alerts.notify.outcome import Permanent, Retry
from tracestore.alerts.notify.words import one_line
from tracestore.models import Invitation


@dataclass(frozen=True, slots=True)
class Sending:
    """Whether it was sent, and if not, why."""

    sent: bool
    reason: str = ""


def send(one: Invitation, link: str) -> Sending:
    """Sends the link to the invitation's address. Never raises: who invited has the link, and can pass it on."""
    if not one.email:
        return Sending(False, "No address was given: pass the link on yourself.")
    if not settings.ENVIRONMENT.smtp_url:
        return Sending(False, "No mail server is set (TRACESTORE_SMTP_URL): pass the link on yourself.")
    try:
        sender = mail.sender_address()
        mail.deliver(rendered(one, link, sender), sender, [one.email])
    except (Permanent, Retry) as error:
        return Sending(False, f"{error} Pass the link on yourself.")
    return Sending(True)


def rendered(one: Invitation, link: str, sender: str) -> EmailMessage:
    """Names are one line and cut short: who can name an organisation must not write letters to strangers."""
    where = one_line(one.organisation.name, 60)
    made = EmailMessage(policy=SMTP)
    made["Subject"] = f"Invitation to {where} on Tracestore"
    made["From"] = Address("Tracestore", addr_spec=sender)
    made["To"] = Address(addr_spec=one.email)
    made["Date"] = formatdate()
    made["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    made["Auto-Submitted"] = "auto-generated"
    into = f"the project {one_line(one.project.name, 60)} of {where}" if one.project else where
    made.set_content(
        f"{one_line(one.invited_by, 60)} invites you to {into} as {one.role}.\n\n{link}\n\n"
        f"The link works once, until {one.expires_at:%Y-%m-%d %H:%M} UTC. Whoever holds it can use it: keep it."
        "\nIf you expected no invitation, leave it alone.\n"
    )
    return made
