"""E-mail: text and HTML, one thread for each incident. The mail server is the operator's (`TRACESTORE_SMTP_URL`)."""

from __future__ import annotations

import hashlib
import os
import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from html import escape
from typing import Final
from urllib.parse import unquote, urlsplit

from django.conf import settings

from tracestore.alerts.message import Message
from tracestore.alerts.notify import words
from tracestore.alerts.notify.outcome import Outgoing, Permanent, Retry, Sent

#: Seconds for each step, and for everything.
STEP_S: Final = 5.0
BUDGET_S: Final = 15.0
#: What stands in an address of a recipient: a part of what RFC 5321 allows, and all that is in use.
ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,253}[A-Za-z0-9])?")
COLOURS: Final = {"CRITICAL": "#b3261e", "WARNING": "#855300", "RESOLVED": "#1a6e3c"}


def send(out: Outgoing) -> Sent:
    sender = sender_address()
    made = rendered(out, sender)
    refused = deliver(made, sender, out.config["to"])
    note = f"Refused: {', '.join(refused)}." if refused else ""
    return Sent(250, made["Message-ID"], note)


def sender_address() -> str:
    """The address that mails come from. Raises: Permanent, if it is none."""
    sender = parseaddr(settings.ENVIRONMENT.email_from)[1]
    if not ADDRESS.fullmatch(sender):
        raise Permanent("TRACESTORE_EMAIL_FROM is no mail address: the operator sets it.")
    return sender


def deliver(made: EmailMessage, sender: str, recipients: list[str]) -> list[str]:
    """Gives a mail to the operator's mail server. Returns recipients that it refused while it took others.

    Raises: Permanent, Retry.
    """
    url = settings.ENVIRONMENT.smtp_url
    if not url:
        raise Permanent("No mail server is set: the operator sets TRACESTORE_SMTP_URL.")
    try:
        with session(url) as server:
            return sorted(server.send_message(made, sender, recipients))
    except smtplib.SMTPRecipientsRefused as error:
        raise of_codes([code for code, _ in error.recipients.values()], "refused the recipients") from None
    except smtplib.SMTPResponseException as error:
        raise of_codes([error.smtp_code], answered(error)) from None
    except smtplib.SMTPNotSupportedError:
        raise Permanent("The mail server does not offer what TRACESTORE_SMTP_URL asks for.") from None
    except ssl.SSLCertVerificationError as error:
        raise Retry(f"The mail server's certificate is not trusted ({error.verify_message}).") from None
    except (smtplib.SMTPException, OSError, ValueError):
        raise Retry("The mail server did not answer, or broke it off.") from None


def of_codes(codes: list[int], what: str) -> Retry | Permanent:
    """By RFC 5321: 4yz may work later, 5yz will not. 552 and 554 are about one message (too large, refused)."""
    worst = min(codes, default=0)
    reason = f"The mail server {what} ({worst})."
    if not 500 <= worst < 600:
        return Retry(reason, status=max(worst, 0))
    return Permanent(reason, worst, this_one_only=worst in (552, 554))


def answered(error: smtplib.SMTPResponseException) -> str:
    text = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else str(error.smtp_error)
    return f"said: {words.one_line(text, 160)}"


@contextmanager
def session(url: str) -> Iterator[smtplib.SMTP]:
    """A session with the mail server of `smtp://`, `smtps://` or `smtp+starttls://USER:PASSWORD@HOST:PORT`.

    Cut off after `BUDGET_S`, whatever it is doing.
    """
    parts = urlsplit(url)
    host = parts.hostname or "localhost"
    usual = {"smtps": 465, "smtp+starttls": 587}.get(parts.scheme, 25)
    context = ssl.create_default_context()
    server: _Plain | _Tls = _Tls(timeout=STEP_S, context=context) if parts.scheme == "smtps" else _Plain(timeout=STEP_S)
    timer = threading.Timer(BUDGET_S, server.cut_off)
    timer.daemon = True
    timer.start()
    try:
        server._host = host  # by which TLS proves it; smtplib sets it only when it connects at once
        code, said = server.connect(host, parts.port or usual)
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)
        if parts.scheme == "smtp+starttls":
            server.starttls(context=context)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        yield server
        with suppress(smtplib.SMTPException, OSError):
            server.quit()
    finally:
        timer.cancel()
        server.close()
        server.let_go()


class _Watched:
    """Keeps a second handle of the connection, since TLS takes the first one away, to cut it off by."""

    _handle: socket.socket | None = None
    _host: str

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        made: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        self._handle = socket.socket(fileno=os.dup(made.fileno()))
        return made

    def cut_off(self) -> None:
        with suppress(OSError):
            if self._handle is not None:
                self._handle.shutdown(socket.SHUT_RDWR)

    def let_go(self) -> None:
        if self._handle is not None:
            self._handle.close()


class _Plain(_Watched, smtplib.SMTP):
    pass


class _Tls(_Watched, smtplib.SMTP_SSL):
    pass


def rendered(out: Outgoing, sender: str) -> EmailMessage:
    """The mail. Nothing of a message can end a header: each value is one line, and the policy refuses others."""
    message = out.message
    made = EmailMessage(policy=SMTP)
    made["Subject"] = subject(message, out.first_title)
    made["From"] = Address("Tracestore", addr_spec=sender)
    made["To"] = tuple(Address(addr_spec=address) for address in out.config["to"])
    made["Date"] = format_datetime(datetime.fromtimestamp(out.at, UTC))
    root, domain = thread_id(message, sender), sender.rpartition("@")[2] or "localhost"
    first = message.number and not out.earlier
    made["Message-ID"] = root if first else f"<notification-{out.id}.{digest(message.key)}@{domain}>"
    if message.number and not first:
        made["In-Reply-To"] = made["References"] = root
    made["Auto-Submitted"] = "auto-generated"
    made["X-Tracestore-Event"] = message.event
    if message.severity == "critical" and message.event in ("opened", "reopened", "escalated", "severity"):
        made["Importance"] = "high"
    made.set_content(words.as_text(message))
    made.add_alternative(as_html(message), subtype="html")
    return made


def subject(message: Message, first_title: str) -> str:
    """The same for all mails of an incident, so that they are one conversation."""
    if not message.number:
        return words.headline(message, 180)
    title = words.one_line(first_title, 150) or words.title(message, 150)
    return f"[{words.one_line(message.project, 60)} #{message.number}] {title}"


def thread_id(message: Message, sender: str) -> str:
    return f"<incident-{message.number}.{digest(message.key)}@{sender.rpartition('@')[2] or 'localhost'}>"


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def as_html(message: Message) -> str:
    """Readable without images, in both themes, and on a phone: one column, no styles but a few of its own."""
    colour = COLOURS.get(words.state(message), "#525a63")
    rows = "".join(
        f'<tr><td style="padding:2px 12px 2px 0;vertical-align:top;opacity:.75">{escape(name)}</td>'
        f'<td style="padding:2px 0;overflow-wrap:anywhere">{escape(value)}</td></tr>'
        for name, value in words.details(message)
    )
    lines = "".join(f"<li>{escape(line)}</li>" for line in words.digest_lines(message))
    links = [f'<a href="{escape(address)}">{escape(name)}</a>' for name, address in words.links(message)]
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="color-scheme" content="light dark"></head>',
        '<body style="font:14px/1.5 system-ui,sans-serif;max-width:640px;margin:16px">',
        f'<p style="margin:0;font-weight:600;color:{colour}">',
        f"{escape(words.state(message))} {escape(words.numbered(message))}</p>",
        f'<h1 style="font-size:18px;margin:4px 0 8px">{escape(words.title(message))}</h1>',
        f"<p>{escape(words.happened(message))}</p>",
        f"<p>{escape(words.summary(message))}</p>" if words.summary(message) else "",
        f"<ul>{lines}</ul>" if lines else "",
        f'<table style="border-collapse:collapse;font-size:13px">{rows}</table>' if rows else "",
        f"<p>{' &nbsp; '.join(links)}</p>" if links else "",
        "</body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"
