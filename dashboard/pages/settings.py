"""`/settings/`: what can be set for the project, each on a page of its own."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from dashboard.pages.access import page

#: Address, name, and what it is about.
PAGES = (
    ("organisation", "Organisation", "Its projects, who may do what in them, who is invited; deleting a project."),
    ("keys", "API keys", "What agents send with and notebooks read with: made, rotated, revoked."),
    ("retention", "Retention", "For how many days payloads, spans and tool calls are kept, and what is stored."),
    ("privacy", "Privacy", "How much of what is said is kept, and deleting a trace, a session or a user."),
    ("redaction", "Redaction", "Which secrets are taken out of spans and logs before anything is written."),
    ("detectors", "Detectors", "What is looked for, how strictly, and which findings halt a run."),
    ("rules", "Alert rules", "What is wrong enough to be told, to whom, and what a rule would have told so far."),
    ("channels", "Channels", "Where incidents are told: Slack, PagerDuty, e-mail, webhooks; with tests and a log."),
    ("routing", "Routing", "Which incidents go to which channels, how often again, and who is told if nobody answers."),
    ("limits", "Limits", "How many spans and bytes a second the project may send."),
    ("audit", "Audit log", "Who changed, read or exported what, and when; to be filtered and exported."),
    ("account", "My account", "Your password, your second factor, and where you are logged in."),
)


@page
def index(request: HttpRequest, project: str) -> HttpResponse:
    return render(request, "dashboard/settings/index.html", {"pages": PAGES})
