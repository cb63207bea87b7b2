"""Shapes of `status/`, for OpenAPI."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

LEVELS = ("ok", "warn", "bad", "unknown")


class StatusItem(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="Stays the same over versions.")
    title = serializers.CharField()
    level = serializers.ChoiceField(choices=LEVELS)
    advice = serializers.CharField(help_text="One sentence: what it means or what to do.")
    figure = serializers.FloatField(allow_null=True, help_text="null: not known, or told by `text`.")
    unit = serializers.CharField(help_text="Of the figure: spans/s, seconds, count, bytes, days or empty.")
    text = serializers.CharField(help_text="What is said instead of the figure; often empty.")


class StatusSection(serializers.Serializer[Any]):
    id = serializers.CharField()
    title = serializers.CharField()
    about = serializers.ChoiceField(choices=("project", "installation"))
    items = StatusItem(many=True)


class StatusMinute(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    spans = serializers.IntegerField(help_text="Written in this minute, in the project.")


class StatusTable(serializers.Serializer[Any]):
    table = serializers.CharField()
    rows = serializers.IntegerField()
    bytes_on_disk = serializers.IntegerField()


class StatusAnswer(serializers.Serializer[Any]):
    level = serializers.ChoiceField(choices=LEVELS, help_text="The worst of all items.")
    at = serializers.DateTimeField()
    sections = StatusSection(many=True)
    minutes = StatusMinute(many=True, allow_null=True, help_text="The last hour; null: the store does not answer.")
    tables = StatusTable(many=True, allow_null=True, help_text="Of the installation; null without scope `admin`.")
