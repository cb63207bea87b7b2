"""`/settings/channels/`: where on-call is told, and whether that works; `/settings/channels/{id}/`: one and its log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone

from dashboard.pages.access import form_page, may_administer
from dashboard.pages.changes import change
from tracestore.alerts import channel_config, channels, sealed
from tracestore.alerts.models import Channel, Delivery, Notification, Severity
from tracestore.alerts.notify import guarded_http
from tracestore.errors import Forbidden, InvalidInput, Overloaded
from tracestore.moments import nanoseconds_if

#: Attempts of the log that one page shows.
SHOWN: Final = 50
#: Kind → its name, and what it is for.
KINDS: Final = {
    "slack": ("Slack", "A message to a channel, by an incoming webhook or a bot."),
    "pagerduty": ("PagerDuty", "Pages who is on call; acknowledged and resolved from here."),
    "email": ("E-mail", "Text and HTML, one thread for each incident."),
    "webhook": ("Webhook", "Alertmanager's JSON, signed, to anything that takes HTTP."),
    "alertmanager": ("Alertmanager", "Hands incidents to an Alertmanager that you run."),
    "apprise": ("Apprise", "A hundred other services, by an address of Apprise."),
}
LABELS: Final = {"url": "URL", "api_url": "API URL", "routing_key": "Routing key"}
FORBIDDEN: Final = "Only an owner or admin of the project may change its channels."
#: In the browser's session, told once: the channel just deleted, and how a test ended.
DELETED, TESTED = "deleted_channel", "tested_channel"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the form. `is_set`: a secret that is there and is not shown."""

    name: str
    label: str
    about: str
    value: str
    secret: bool
    is_set: bool
    removable: bool
    is_wrong: bool


@dataclass(frozen=True, slots=True)
class Row:
    channel: Channel
    kind: str
    where: str
    state: str
    last_sent_ns: int
    not_before_ns: int
    waiting: int


@form_page
def settings_page(request: HttpRequest, project: str) -> HttpResponse:
    """The list; the form of a new one of the kind that `add` names is posted here."""
    allowed, complaint, wrong = may_administer(request, project), "", ""
    sent = request.POST if request.method == "POST" else None
    adding = (request.POST if sent is not None else request.GET).get("add", "")
    if sent is not None:
        if not allowed:
            raise Forbidden(FORBIDDEN)
        try:
            fields = {"kind": adding, **posted(adding, sent, None)}
            made = channels.create(project, fields, request.user.get_username())
            return redirect("channel", made.pk)
        except InvalidInput as error:
            complaint, wrong = error.message, error.field
    now = timezone.now()
    context: dict[str, Any] = {
        "rows": [row(one, now) for one in channels.listed(project)],
        "kinds": KINDS,
        "adding": adding if adding in KINDS else "",
        "adding_words": KINDS.get(adding),
        "form": form(adding, None, sent, wrong) if adding in KINDS else None,
        "complaint": complaint,
        "may_change": allowed,
        "deleted": request.session.pop(DELETED, None),
        "mail_missing": adding == "email" and not settings.ENVIRONMENT.smtp_url,
        "apprise_refused": adding == "apprise" and not guarded_http.private_allowed(),
    }
    return render(request, "dashboard/channels/list.html", context, status=400 if complaint else 200)


@form_page
def channel(request: HttpRequest, project: str, number: int) -> HttpResponse:
    """One channel; the form that changes it is posted here."""
    one, allowed, complaint, wrong = channels.one(project, number), may_administer(request, project), "", ""
    sent = request.POST if request.method == "POST" else None
    if sent is not None:
        if not allowed:
            raise Forbidden(FORBIDDEN)
        try:
            channels.change(project, number, posted(one.kind, sent, one), request.user.get_username())
            return redirect("channel", number)
        except InvalidInput as error:
            complaint, wrong = error.message, error.field
    before = request.GET.get("before", "")
    seen = int(before) if before.isascii() and before.isdecimal() and len(before) < 19 else None
    log = channels.deliveries(project, number, limit=SHOWN + 1, before=seen)
    context: dict[str, Any] = {
        "row": row(one, timezone.now()),
        "words": KINDS.get(one.kind, (one.kind, "")),
        "form": form(one.kind, one, sent, wrong),
        "complaint": complaint,
        "may_change": allowed,
        "log": [(delivery, nanoseconds_if(delivery.at), title(delivery)) for delivery in log[:SHOWN]],
        "older": log[SHOWN - 1].pk if len(log) > SHOWN else None,
        "before": seen,
        "tested": tested(request, number),
        "again": sealed.AGAIN,
    }
    return render(request, "dashboard/channels/channel.html", context, status=400 if complaint else 200)


@change
def act(request: HttpRequest, project: str, number: int) -> HttpResponse:
    """Tries, switches, deletes or brings back one channel."""
    actor = request.user.get_username()
    match request.POST.get("do"):
        case "test":
            try:
                ended = channels.test(project, number, actor)
                request.session[TESTED] = {"channel": number, "notification": ended.pk}
            except Overloaded as error:
                request.session[TESTED] = {"channel": number, "refused": error.message}
        case "enable" | "disable" as what:
            channels.change(project, number, {"enabled": what == "enable"}, actor)
        case "delete":
            one = channels.delete(project, number, actor)
            request.session[DELETED] = {"id": one.pk, "name": one.name}
            return redirect("channels")
        case "restore":
            channels.restore(project, number, actor)
        case _:
            raise InvalidInput("Expected one of test, enable, disable, delete, restore.", field="do")
    return redirect("channel", number)


def tested(request: HttpRequest, number: int) -> dict[str, Any] | None:
    """How the test ended that was just sent to this channel."""
    said = request.session.get(TESTED)
    if said is None or said["channel"] != number:
        return None
    del request.session[TESTED]
    if "refused" in said:
        return {"sent": False, "error": said["refused"], "milliseconds": None}
    ended = Notification.objects.filter(pk=said["notification"], channel_id=number).first()
    last = ended.deliveries.order_by("-pk").first() if ended else None
    if ended is None or last is None:
        return None
    return {"sent": ended.state == "sent", "error": ended.error, "milliseconds": last.milliseconds}


def row(one: Channel, now: datetime) -> Row:
    waiting = Notification.objects.filter(channel=one, state__in=("waiting", "sending"))
    return Row(
        one, KINDS.get(one.kind, (one.kind, ""))[0], channel_config.where(one.kind, one.config),
        channels.state(one, now), nanoseconds_if(one.last_sent_at), nanoseconds_if(one.not_before), waiting.count(),
    )  # fmt: skip


def title(delivery: Delivery) -> str:
    return str(delivery.notification.message.get("title", ""))


def form(kind: str, one: Channel | None, sent: QueryDict | None, wrong: str) -> dict[str, Any]:
    """The form, filled with what was typed (but for secrets), else with what is set."""
    config: Mapping[str, Any] = one.config if one else {}
    shown = channel_config.shown(kind, config)
    fields = []
    for field in channel_config.FIELDS[kind]:
        name = f"config.{field.name}"
        value = shown.get(field.name, "")
        value = ", ".join(value) if isinstance(value, list) else value
        typed = "" if field.secret else sent.get(name, "") if sent is not None else value
        label = LABELS.get(field.name) or field.name.capitalize()
        fields.append(
            Field(
                name, label, field.about, typed, field.secret, bool(config.get(field.name)),
                field.secret and kind in ("webhook", "slack"), wrong == name,
            )
        )  # fmt: skip
    usual = one or Channel()
    return {
        "name": sent.get("name", "") if sent is not None else usual.name,
        "config": fields,
        "min_severity": sent.get("min_severity", "") if sent is not None else usual.min_severity,
        "most_per_hour": sent.get("most_per_hour", "") if sent is not None else usual.most_per_hour,
        "send_resolved": "send_resolved" in sent if sent is not None else usual.send_resolved,
        "severities": Severity.values,
        "wrong": wrong,
    }


def posted(kind: str, sent: QueryDict, one: Channel | None) -> dict[str, Any]:
    """The form's fields as the API takes them. An empty secret stays as it is unless it is ticked to be removed.

    Raises: InvalidInput, if there is no such kind, or a number is none.
    """
    if kind not in KINDS:
        raise InvalidInput(f"kind: expected one of {', '.join(KINDS)}.", field="kind")
    config: dict[str, Any] = {}
    for field in channel_config.FIELDS[kind]:
        typed = sent.get(f"config.{field.name}", "").strip()
        if not field.secret:
            if typed or one is not None:
                config[field.name] = typed
        elif typed:
            config[field.name] = typed
        elif f"remove.{field.name}" in sent:
            config[field.name] = None
    most = sent.get("most_per_hour", "").strip()
    if not (most.isascii() and most.isdecimal() and len(most) < 9):
        raise InvalidInput("most_per_hour: expected a whole number.", field="most_per_hour")
    return {
        "name": sent.get("name", ""), "config": config, "min_severity": sent.get("min_severity", "warning"),
        "send_resolved": "send_resolved" in sent, "most_per_hour": int(most),
    }  # fmt: skip
