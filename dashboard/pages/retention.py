"""`/settings/retention/`: for how long the project keeps its data, what it has, and the form that changes it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from dashboard.pages.access import form_page, may_administer
from tracestore import retention
from tracestore.clickhouse import expiry
from tracestore.errors import Forbidden, InvalidInput
from tracestore.retention import Retention

#: Setting → its name and what it rules, as the page says it.
WORDS = {
    "payload_days": ("Payloads", "Whole prompts, answers, tool arguments and results. Most of the disk."),
    "span_days": ("Spans", "Spans with their figures and previews, and the summaries of traces."),
    "tool_call_days": ("Tool calls", "The audit trail: every execution with arguments and result."),
}
TABLES = {
    "stored_payloads": "Payloads",
    "stored_histories": "Histories of detectors",
    "stored_spans": "Spans",
    "stored_traces": "Trace summaries",
    "stored_tool_calls": "Tool calls",
}


@form_page
def settings_page(request: HttpRequest, project: str) -> HttpResponse:
    may_change = may_administer(request, project)
    complaint, wrong = "", ""
    if request.method == "POST":
        if not may_change:
            raise Forbidden("Only an owner or admin of the project may change what it keeps.")
        try:
            retention.change(project, posted(request))
            return redirect("retention")
        except InvalidInput as error:
            complaint, wrong = error.message, error.field
    settings = retention.of(project)
    context: dict[str, Any] = {
        "fields": [
            (setting, *words, request.POST.get(setting, getattr(settings, setting)), setting == wrong)
            for setting, words in WORDS.items()
        ],
        "stored": [
            (TABLES[table], settings.days(setting), expiry.stored(project, table))
            for setting, tables in retention.TABLES.items()
            for table in tables
        ],
        "complaint": complaint,
        "may_change": may_change,
    }
    return render(request, "dashboard/settings/retention.html", context, status=400 if complaint else 200)


def posted(request: HttpRequest) -> Retention:
    """The form's settings; an empty field keeps for ever.

    Raises:
        InvalidInput: a field is no whole number.
    """
    values: dict[str, int | None] = {}
    for setting in WORDS:
        text = request.POST.get(setting, "").strip()
        if text and not (text.isascii() and text.isdecimal() and len(text) < 10):
            raise InvalidInput(
                f"{text[:100]!r} is no number of days: expected 1 to {retention.MOST_DAYS}, or nothing.", field=setting
            )
        values[setting] = int(text) if text else None
    return Retention(**values)
