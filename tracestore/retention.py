"""For how long each project keeps its data: the settings, and the days that follow from them.

Deleting is `tracestore/clickhouse/expiry.py`; why so, docs/adr/0004-retention.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from tracestore.errors import InvalidInput, NotFound
from tracestore.models import Project, ProjectRetention

#: A hundred years: longer than anybody means, short enough for every calendar in between.
MOST_DAYS = 36_500

#: Setting → the tables that it rules.
TABLES: Mapping[str, tuple[str, ...]] = {
    "payload_days": ("stored_payloads", "stored_histories"),
    "span_days": ("stored_spans", "stored_traces"),
    "tool_call_days": ("stored_tool_calls",),
}


@dataclass(frozen=True, slots=True)
class Retention:
    """Days that a project keeps payloads, spans (with the summaries of traces) and tool calls.

    None keeps for ever. Today counts as day 0, so 1 keeps yesterday and today, in UTC.
    """

    payload_days: int | None = None
    span_days: int | None = None
    tool_call_days: int | None = None

    def days(self, setting: str) -> int | None:
        """The days that hold. A payload never outlives its span: nothing could show it."""
        chosen: int | None = getattr(self, setting)
        if setting == "payload_days" and chosen is None:
            return self.span_days
        return chosen


def checked(retention: Retention) -> Retention:
    """The same, when it can be kept.

    Raises:
        InvalidInput: a number of days that is impossible, or payloads longer than spans.
    """
    for setting in TABLES:
        days = getattr(retention, setting)
        if days is not None and not 1 <= days <= MOST_DAYS:
            raise InvalidInput(
                f"{setting}={days} is not possible: expected 1 to {MOST_DAYS} days, or nothing to keep for ever.",
                field=setting,
            )
    if retention.payload_days and retention.span_days and retention.payload_days > retention.span_days:
        raise InvalidInput(
            f"payload_days={retention.payload_days} is longer than span_days={retention.span_days}:"
            " expected at most the same, because a payload cannot be read without its span.",
            field="payload_days",
        )
    return retention


def of(project: str) -> Retention:
    """The settings of a project; the defaults (keep everything) where none were made."""
    row = ProjectRetention.objects.filter(project__slug=project).first()
    return Retention(row.payload_days, row.span_days, row.tool_call_days) if row else Retention()


def change(project: str, retention: Retention) -> Retention:
    """Stores the settings of a project. They hold from the next run of the job (within the hour).

    Raises:
        InvalidInput: see `checked`.
        NotFound: there is no such project.
    """
    checked(retention)
    found = Project.objects.filter(slug=project).first()
    if found is None:
        raise NotFound("There is no such project.")
    ProjectRetention.objects.update_or_create(
        project=found, defaults={setting: getattr(retention, setting) for setting in TABLES}
    )
    return retention


def kept_from(today: date) -> dict[str, dict[date, list[str]]]:
    """Table → first day that is kept → the projects that keep from it. Projects without a limit are absent."""
    plan: dict[str, dict[date, list[str]]] = {}
    for row in ProjectRetention.objects.select_related("project").order_by("project__slug"):
        retention = Retention(row.payload_days, row.span_days, row.tool_call_days)
        for setting, tables in TABLES.items():
            days = retention.days(setting)
            if days is None:
                continue
            first = today - timedelta(days=days)
            for table in tables:
                plan.setdefault(table, {}).setdefault(first, []).append(row.project.slug)
    return plan
