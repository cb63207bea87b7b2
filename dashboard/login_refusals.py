"""The page that says why somebody is not let in, and the entry in the audit log."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from dashboard import login_events


def refused(request: HttpRequest, message: str, *, by: str = "", name: str = "", status: int = 403) -> HttpResponse:
    """`by` is the way in that was tried, `name` who it was tried as, where that is known."""
    login_events.failed(request, name, by=by or "password", reason=message)
    return render(request, "dashboard/login_refused.html", {"message": message}, status=status)
