"""The shapes of channels and their delivery logs, for the OpenAPI schema only; see `shape_fields.py`."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from dashboard.api.shape_fields import AttributesField, choice, count, text
from tracestore.alerts.channels import KINDS

SEVERITIES = ("info", "warning", "critical")
EVENTS = (
    "opened", "acknowledged", "unacknowledged", "resolved", "reopened", "severity", "reminder", "escalated", "test",
    "digest",
)  # fmt: skip
CONFIG = (
    "webhook: `url`, `secret`; pagerduty: `routing_key`, `url`; slack: `url`, or `token`, `channel` and `api_url`; "
    "email: `to`, one address or a list; alertmanager: `url`; apprise: `url`."
)


def time(help_text: str) -> serializers.DateTimeField:
    return serializers.DateTimeField(allow_null=True, help_text=help_text)


class NewChannel(serializers.Serializer[Any]):
    name = text("Unique in the project; at most 120 characters.")
    kind = choice(KINDS)
    config = AttributesField(help_text=CONFIG)
    enabled = serializers.BooleanField(required=False)
    min_severity = serializers.CharField(required=False, help_text="Without routes: info, warning or critical.")
    send_resolved = serializers.BooleanField(required=False)
    most_per_hour = serializers.IntegerField(required=False, help_text="What exceeds it is told in digests.")


class ChannelFields(serializers.Serializer[Any]):
    name = serializers.CharField(required=False)
    config = AttributesField(required=False, help_text=f"Only the fields that are sent change; null clears. {CONFIG}")
    enabled = serializers.BooleanField(required=False, help_text="`true` also forgets why it was switched off.")
    min_severity = serializers.CharField(required=False)
    send_resolved = serializers.BooleanField(required=False)
    most_per_hour = serializers.IntegerField(required=False)


class Channel(serializers.Serializer[Any]):
    id = count()
    name = text()
    kind = choice(KINDS)
    config = AttributesField(help_text="Of secrets only whether they are set; of addresses scheme and host.")
    enabled = serializers.BooleanField()
    min_severity = choice(SEVERITIES)
    send_resolved = serializers.BooleanField()
    most_per_hour = count()
    state = choice(
        ("fine", "disabled", "back_off", "unreadable"),
        "`back_off`: it failed and waits until `not_before`. `unreadable`: its secret cannot be read, give it again.",
    )
    disabled_reason = text("Why it was switched off by itself; empty if by hand.")
    not_before = time("The end of its back-off.")
    failures = count("In a row.")
    last_sent_at = time("When a message last arrived.")
    last_error = text("Empty once a message has arrived again.")
    last_error_at = time("When that was.")
    created_at = serializers.DateTimeField()


class ChannelPage(serializers.Serializer[Any]):
    results = Channel(many=True)
    next = serializers.CharField(allow_null=True)


class ChannelTest(serializers.Serializer[Any]):
    outcome = choice(("sent", "failed"))
    status = count("The receiver's (HTTP or SMTP); 0 if it did not answer.")
    milliseconds = count()
    error = text("What went wrong; for `sent` a remark, usually empty.")
    notification = count()


class ChannelDelivery(serializers.Serializer[Any]):
    id = count()
    at = serializers.DateTimeField()
    event = choice(EVENTS)
    title = text()
    incident = serializers.IntegerField(allow_null=True)
    notification = count("Equal for the attempts of one notification.")
    outcome = choice(("sent", "retry", "failed"), "`retry`: it is tried again.")
    status = count("The receiver's (HTTP or SMTP); 0 if it did not answer.")
    milliseconds = count()
    error = text()


class ChannelDeliveryPage(serializers.Serializer[Any]):
    results = ChannelDelivery(many=True)
    next = serializers.CharField(allow_null=True)
