"""`/settings/`: what can be set for the project, each on a page of its own."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from dashboard.pages.access import page

#: Address, name, and what it is about.
PAGES = (
    ("retention", "Retention", "For how many days payloads, spans and tool calls are kept, and what is stored."),
    ("redaction", "Redaction", "Which secrets are taken out of spans and logs before anything is written."),
    ("limits", "Limits", "How many spans and bytes a second the project may send."),
)


@page
def index(request: HttpRequest, project: str) -> HttpResponse:
    return render(request, "dashboard/settings/index.html", {"pages": PAGES})
