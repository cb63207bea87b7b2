"""Shapes of a project's own settings: retention, redaction, limits, saved searches."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from dashboard.api.shape_fields import choice, count, text
from tracestore.rates import BURST_SECONDS, MOST


class CurrentProject(serializers.Serializer[Any]):
    project = text("The project that this key or login reads.")
    name = text()
    scopes = serializers.ListField(child=text())
    credentials = choice(("key", "session", "loopback"), "How the caller was recognised.")
    key_prefix = text("The part of the key that may be shown.")
    user = text("Name of the logged-in user.")


def days(what: str) -> serializers.IntegerField:
    return serializers.IntegerField(
        allow_null=True, required=False, min_value=1, help_text=f"Days that {what} are kept; null keeps them for ever."
    )


class RetentionSettings(serializers.Serializer[Any]):
    payload_days = days("payloads (whole prompts, answers, arguments)")
    span_days = days("spans and the summaries of traces")
    tool_call_days = days("rows of the audit trail `tool_calls`")


class StoredTable(serializers.Serializer[Any]):
    table = text("The table behind the views.")
    setting = text("Which of the settings rules it.")
    keeps_days = serializers.IntegerField(allow_null=True, help_text="Days that hold; null: for ever.")
    rows = count("Rows on disk, copies that are not merged away yet included.")
    first = serializers.DateTimeField(allow_null=True, help_text="Start of the oldest row.")
    last = serializers.DateTimeField(allow_null=True, help_text="Start of the newest row.")
    bytes_on_disk = count("Compressed, as it lies on disk.")
    estimated = serializers.BooleanField(
        help_text="True where files hold several projects: the bytes are then this project's share by rows."
    )


class RedactionRuleFields(serializers.Serializer[Any]):
    name = serializers.CharField(
        max_length=40, help_text="Letters a to z, digits, _ and -; stands in the place of a secret."
    )
    kind = serializers.ChoiceField(choices=("key", "pattern"), help_text="What `pattern` is.")
    pattern = serializers.CharField(max_length=500, help_text="The name of a key, or a regular expression (RE2).")
    replacement = serializers.CharField(required=False, allow_blank=True, max_length=100)
    enabled = serializers.BooleanField(required=False)


class RedactionRule(serializers.Serializer[Any]):
    name = text()
    kind = choice(("built-in", "optional", "key", "pattern"), "Built-in rules are on by default, optional ones off.")
    finds = text()
    pattern = text("Empty for rules that are not the project's own.")
    replacement = text("What stands in the place of a secret.")
    enabled = serializers.BooleanField()


class RedactionRulePage(serializers.Serializer[Any]):
    results = RedactionRule(many=True)
    next = serializers.CharField(allow_null=True)


class PreviewedText(serializers.Serializer[Any]):
    text = serializers.CharField(help_text="At most 100,000 characters; nothing of it is stored.")


class Preview(serializers.Serializer[Any]):
    text = text("The text as it would be stored.")
    counts = serializers.DictField(child=count(), help_text="Rule → how many secrets it took out.")


class RetentionAnswer(RetentionSettings):
    stored = StoredTable(many=True)


def limit(what: str) -> serializers.IntegerField:
    return serializers.IntegerField(allow_null=True, required=False, min_value=1, max_value=MOST, help_text=what)


class Limits(serializers.Serializer[Any]):
    spans_per_second = limit("Spans and log records a second, sustained; null: no limit.")
    burst = limit(f"How many may come at once after a pause; null: those of {BURST_SECONDS} seconds.")
    bytes_per_second = limit("Bytes of request bodies a second, after decompression; null: no limit.")


class SavedViewFields(serializers.Serializer[Any]):
    name = serializers.CharField(required=False, help_text="1 to 80 characters; needed when it is made.")
    query = serializers.CharField(required=False, allow_blank=True, help_text="A search, as `q` of the trace list.")
    since = serializers.CharField(required=False, allow_blank=True, help_text="As `since` of the trace list.")
    sort = serializers.CharField(required=False, allow_blank=True, help_text="As `sort` of the trace list.")
    columns = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Columns of the page; empty for the usual ones."
    )
    shared = serializers.BooleanField(required=False, help_text="Whether all in the project see it.")


class SavedView(serializers.Serializer[Any]):
    id = count()
    name = text()
    query = text()
    since = text()
    sort = text()
    columns = serializers.ListField(child=serializers.CharField())
    shared = serializers.BooleanField()
    own = serializers.BooleanField(help_text="Whether it is the caller's own.")
    may_change = serializers.BooleanField(help_text="Whether the caller may change or delete it.")


class SavedViewPage(serializers.Serializer[Any]):
    results = SavedView(many=True)
    next = serializers.CharField(allow_null=True, help_text="Always null: all are on one page.")
