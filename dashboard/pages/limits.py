"""`/settings/limits/`: how much the project may send, and the form that changes it."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from dashboard.pages.access import form_page, may_administer
from tracestore import project_limits
from tracestore.errors import Forbidden, InvalidInput
from tracestore.rates import BURST_SECONDS, NAMES, written

#: Limit → its name, its unit, what an empty field means, and what it is about.
WORDS: Final = {
    "spans_per_second": ("Spans", "a second", "no limit", "Spans and log records together, sustained."),
    "burst": ("Burst", "spans", "by default",
              f"How many may come at once after a pause. Empty: those of {BURST_SECONDS} seconds."),
    "bytes_per_second": ("Bytes", "a second", "no limit", "Request bodies, after decompression."),
}  # fmt: skip


@form_page
def settings_page(request: HttpRequest, project: str) -> HttpResponse:
    may_change = may_administer(request, project)
    complaint, wrong = "", ""
    if request.method == "POST":
        if not may_change:
            raise Forbidden("Only an owner or admin of the project may change its limits.")
        try:
            project_limits.change(project, {name: written(name, request.POST.get(name, "")) for name in NAMES})
            return redirect("limits")
        except InvalidInput as error:
            complaint, wrong = error.message, error.field
    rates = project_limits.of(project)
    context: dict[str, Any] = {
        "fields": [
            (name, *words, request.POST.get(name, getattr(rates, name)), name == wrong) for name, words in WORDS.items()
        ],
        "complaint": complaint,
        "may_change": may_change,
    }
    return render(request, "dashboard/settings/limits.html", context, status=400 if complaint else 200)
