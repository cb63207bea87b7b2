"""`/settings/redaction/`: the rules by which secrets are taken out, forms that change them, and a preview."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from dashboard.pages.access import form_page, may_administer
from tracestore import redaction
from tracestore.errors import Forbidden, InvalidInput
from tracestore.spans.redaction.rules import DEFAULT_RULES, OPTIONAL_RULES


@form_page
def settings_page(request: HttpRequest, project: str) -> HttpResponse:
    may_change = may_administer(request, project)
    context: dict[str, Any] = {"may_change": may_change, "sent": request.POST}
    if request.method == "POST":
        try:
            if request.POST.get("do") == "preview":
                context["left"], context["counts"] = redaction.preview(project, request.POST.get("text", ""))
            else:
                if not may_change:
                    raise Forbidden("Only an owner or admin of the project may change its redaction rules.")
                change(request, project)
                return redirect("redaction")
        except InvalidInput as error:
            context["complaint"], context["wrong"] = error.message, error.field
    context["rules"] = redaction.listed(project)
    status = 400 if "complaint" in context else 200
    return render(request, "dashboard/settings/redaction.html", context, status=status)


def change(request: HttpRequest, project: str) -> None:
    """Does what the button of a form says.

    Raises:
        InvalidInput: the rule cannot be so, or the form is none of the page's.
        NotFound: there is no such rule any more.
    """
    sent = request.POST
    name = sent.get("rule", "")
    match sent.get("do"):
        case "add":
            redaction.save(project, {field: sent.get(field, "").strip() for field in redaction.TEXTS})
        case "on" | "off" as state:
            if name in DEFAULT_RULES or name in OPTIONAL_RULES:
                redaction.switch(project, name, state == "on")
            else:
                redaction.save(project, {"enabled": state == "on"}, redaction.find(project, name))
        case "delete":
            redaction.find(project, name).delete()
        case _:
            raise InvalidInput("Expected one of add, on, off, delete, preview.", field="do")
