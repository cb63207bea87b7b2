"""Channels: where on-call is told. Made, changed, deleted, brought back, tried; shown without their secrets."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from tracestore import audit
from tracestore.alerts import channel_config, message, outbox, routing, sealed
from tracestore.alerts.facts import Facts
from tracestore.alerts.models import Channel, Delivery, Notification, Severity
from tracestore.alerts.notify import apprise_url, guarded_http
from tracestore.errors import InvalidInput, NotFound, Overloaded
from tracestore.models import Project
from tracestore.moments import utc_text, utc_text_if

log = structlog.get_logger(__name__)

FIELDS: Final = ("name", "kind", "config", "enabled", "min_severity", "send_resolved", "most_per_hour")
KINDS: Final = tuple(Channel.Kind.values)
MOST: Final = 100
MOST_NAME: Final = 120
MOST_PER_HOUR: Final = 10_000
#: How long a deleted channel can be brought back.
KEPT: Final = timedelta(days=1)
#: Tests of one channel in a minute.
MOST_TESTS: Final = 6


def listed(project_slug: str) -> list[Channel]:
    """The channels of a project, by name."""
    return list(of(project_slug).order_by("name", "pk"))


def of(project_slug: str, *, deleted: bool = False) -> QuerySet[Channel]:
    return Channel.objects.filter(project__slug=project_slug, deleted_at__isnull=not deleted)


def one(project_slug: str, number: int, *, deleted: bool = False) -> Channel:
    """Raises: NotFound."""
    found = of(project_slug, deleted=deleted).filter(pk=number).first()
    if found is None:
        raise NotFound("There is no such channel in this project.")
    return found


def create(project_slug: str, fields: Mapping[str, Any], actor: str) -> Channel:
    """Makes a channel.

    Raises:
        InvalidInput: a field is unknown, missing or cannot be that; names it (`config.url`).
        NotFound: there is no such project.
    """
    project = Project.objects.filter(slug=project_slug).first()
    if project is None:
        raise NotFound("There is no such project.")
    known(fields)
    for name, expected in (("name", "a name for the channel"), ("kind", f"one of {', '.join(KINDS)}"),
                           ("config", "an object")):  # fmt: skip
        if name not in fields:
            raise InvalidInput(f"{name}: expected {expected}.", field=name)
    if of(project_slug).count() >= MOST:
        raise InvalidInput(f"There are {MOST} channels: expected one of them to be deleted first.")
    channel = Channel(project=project, kind=kind(fields["kind"]))
    if channel.kind == Channel.Kind.APPRISE and not guarded_http.private_allowed():
        raise InvalidInput(apprise_url.REFUSED, field="kind")
    channel.config = channel_config.checked(channel.kind, fields["config"])
    fill(channel, fields)
    # What was deleted long ago goes for good, with its log.
    of(project_slug, deleted=True).filter(deleted_at__lt=timezone.now() - KEPT).delete()
    store(channel)
    audit.concerns(channel.pk)
    log.info("channel made", project=project_slug, channel=channel.pk, kind=channel.kind, by=actor)
    return channel


def change(project_slug: str, number: int, fields: Mapping[str, Any], actor: str) -> Channel:
    """Changes the fields that are sent, of `config` too. Switched on, it forgets why it was off.

    Raises: InvalidInput, NotFound, as `create`.
    """
    channel = one(project_slug, number)
    known(fields)
    if "kind" in fields and kind(fields["kind"]) != channel.kind:
        raise InvalidInput("kind: a channel keeps its kind; expected another channel to be made.", field="kind")
    if "config" in fields:
        channel.config = channel_config.checked(channel.kind, fields["config"], channel.config)
    fill(channel, fields)
    if fields.get("enabled") is True:
        channel.disabled_reason, channel.not_before, channel.failures = "", None, 0
    elif "config" in fields:
        channel.not_before = None  # what failed before may work now
    # Not the fields that `delivery` writes meanwhile, unless they are meant.
    touched = [name for name in FIELDS if name in fields]
    if "enabled" in fields or "config" in fields:
        touched += ["disabled_reason", "not_before", "failures"]
        outbox.release(channel.pk, timezone.now())
    store(channel, touched)
    log.info("channel changed", project=project_slug, channel=channel.pk, fields=sorted(fields), by=actor)
    return channel


def delete(project_slug: str, number: int, actor: str) -> Channel:
    """Raises: NotFound."""
    channel = one(project_slug, number)
    channel.deleted_at = timezone.now()
    channel.save(update_fields=["deleted_at"])
    log.info("channel deleted", project=project_slug, channel=number, by=actor)
    return channel


def restore(project_slug: str, number: int, actor: str) -> Channel:
    """Raises: NotFound, also after a day; InvalidInput, if another has its name now."""
    channel = one(project_slug, number, deleted=True)
    if channel.deleted_at is not None and channel.deleted_at < timezone.now() - KEPT:
        raise NotFound("There is no such channel in this project.")
    channel.deleted_at = None
    store(channel, ["deleted_at"])
    log.info("channel restored", project=project_slug, channel=number, by=actor)
    return channel


def test(project_slug: str, number: int, actor: str, now: datetime | None = None) -> Notification:  # noqa: PT028
    """Sends a test at once, to a channel that is switched off or waits too, and says how it ended.

    Raises:
        NotFound: there is no such channel.
        Overloaded: it was tried a moment ago, several times.
    """
    from tracestore.alerts import delivery

    channel, at = one(project_slug, number), now or timezone.now()
    tests = Notification.objects.filter(channel=channel, event="test")
    if tests.filter(created_at__gt=at - timedelta(minutes=1)).count() >= MOST_TESTS:
        raise Overloaded(f"{MOST_TESTS} tests in a minute are enough: try again in a minute.", retry_after_s=60)
    notification = Notification.objects.create(
        project_id=channel.project_id, channel=channel, event="test", occasion=f"test/{uuid.uuid4().hex}",
        message=message.as_json(test_message(channel, project_slug, actor, at)), created_at=at, not_before=at,
    )  # fmt: skip
    delivery.send_now(notification, at)
    return notification


def test_message(channel: Channel, project_slug: str, actor: str, at: datetime) -> message.Message:
    moment = utc_text(at)
    return message.Message(
        event="test", project=project_slug, at=moment, severity="info", opened_at=moment, actor=actor,
        title=f"Test of the channel {channel.name}", key=f"tracestore/{project_slug}/test/{channel.pk}",
        facts=Facts(f"Test of the channel {channel.name}", going_on=False),
        url=f"{settings.PUBLIC_URL}/settings/channels/{channel.pk}/",
    )  # fmt: skip


def deliveries(project_slug: str, number: int, *, limit: int, before: int | None = None) -> list[Delivery]:
    """Attempts to send to a channel, the latest first; `before` is the id of the last one seen.

    Raises: NotFound.
    """
    channel = one(project_slug, number)
    found = Delivery.objects.filter(notification__channel=channel).select_related("notification")
    if before is not None:
        found = found.filter(pk__lt=before)
    return list(found.order_by("-pk")[:limit])


def state(channel: Channel, now: datetime | None = None) -> str:
    """`fine`, `disabled`, `back_off` (it failed and waits until `not_before`), or `unreadable` (`sealed.AGAIN`)."""
    if sealed.unreadable(channel.config):
        return "unreadable"
    if not channel.enabled:
        return "disabled"
    return "back_off" if channel.not_before and channel.not_before > (now or timezone.now()) else "fine"


def as_listed(channel: Channel, now: datetime | None = None) -> dict[str, Any]:
    """A channel as anybody of the project may see it."""
    return {
        "id": channel.pk,
        "name": channel.name,
        "kind": channel.kind,
        "config": channel_config.shown(channel.kind, channel.config),
        "enabled": channel.enabled,
        "min_severity": channel.min_severity,
        "send_resolved": channel.send_resolved,
        "most_per_hour": channel.most_per_hour,
        "state": state(channel, now),
        "disabled_reason": channel.disabled_reason,
        "not_before": utc_text_if(channel.not_before),
        "failures": channel.failures,
        "last_sent_at": utc_text_if(channel.last_sent_at),
        "last_error": channel.last_error,
        "last_error_at": utc_text_if(channel.last_error_at),
        "created_at": utc_text_if(channel.created_at),
    }


def known(fields: Mapping[str, Any]) -> None:
    for name in fields:
        if name not in FIELDS:
            raise InvalidInput(f"There is no such field: expected some of {', '.join(FIELDS)}.", field=str(name)[:100])


def kind(value: object) -> str:
    if value not in KINDS:
        raise InvalidInput(f"kind: expected one of {', '.join(KINDS)}.", field="kind")
    return str(value)


def fill(channel: Channel, fields: Mapping[str, Any]) -> None:
    """Sets what is given beside kind and config. Raises: InvalidInput."""
    if "name" in fields:
        name = fields["name"].strip() if isinstance(fields["name"], str) else ""
        if not 0 < len(name) <= MOST_NAME or not name.isprintable():
            raise InvalidInput(f"name: expected 1 to {MOST_NAME} characters on one line.", field="name")
        channel.name = name
    for field in ("enabled", "send_resolved"):
        if field in fields:
            if not isinstance(fields[field], bool):
                raise InvalidInput(f"{field}: expected true or false.", field=field)
            setattr(channel, field, fields[field])
    if "min_severity" in fields:
        if fields["min_severity"] not in Severity.values:
            raise InvalidInput(f"min_severity: expected {', '.join(Severity.values)}.", field="min_severity")
        channel.min_severity = fields["min_severity"]
    if "most_per_hour" in fields:
        most = fields["most_per_hour"]
        if not isinstance(most, int) or isinstance(most, bool) or not 1 <= most <= MOST_PER_HOUR:
            raise InvalidInput(
                f"most_per_hour: expected a whole number from 1 to {MOST_PER_HOUR}.", field="most_per_hour"
            )
        channel.most_per_hour = most


def store(channel: Channel, fields: list[str] | None = None) -> None:
    """Raises: InvalidInput, if another channel has that name."""
    try:
        with transaction.atomic():
            channel.save(update_fields=fields)
            # It hears of what is open at the next pass, and not only when something changes.
            routing.recheck(channel.project_id, timezone.now())
    except IntegrityError:
        raise InvalidInput("name: there is a channel of that name; expected another.", field="name") from None
