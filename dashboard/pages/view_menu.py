"""Saved views on the page of traces: the row of them, and the forms that save, rename, share and delete."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from dashboard.pages.access import form_page, may_administer
from tracestore import audit, saved_views
from tracestore.errors import InvalidInput
from tracestore.models import SavedView
from tracestore.saved_views import Viewer

#: In the browser's session: the view that was just deleted, and what could not be saved. Each is told once.
DELETED, COMPLAINT = "deleted_view", "view_complaint"


def viewer(request: HttpRequest, project: str) -> Viewer:
    return Viewer(project, request.user.pk, may_administer(request, project))


def view_menu(request: HttpRequest, project: str) -> dict[str, Any]:
    """The views for the template, each with its address; which of them is shown now; what to undo."""
    who = viewer(request, project)
    here = {name: request.GET.get(name, "").strip() for name in ("q", "since", "sort", "columns")}
    views = [
        {"view": view, "query": view_query(view), "may_change": who.may_change(view), "here": parameters(view) == here}
        for view in saved_views.of(who)
    ]
    return {
        "views": views,
        "deleted_view": request.session.pop(DELETED, None),
        "view_complaint": request.session.pop(COMPLAINT, ""),
    }


def parameters(view: SavedView) -> dict[str, str]:
    return {"q": view.query, "since": view.since, "sort": view.sort, "columns": ",".join(view.columns)}


def view_query(view: SavedView) -> str:
    return "?" + urlencode([(name, value) for name, value in parameters(view).items() if value])


@form_page
def save_view(request: HttpRequest, project: str) -> HttpResponse:
    """Saves the search of the posted form under a name, and shows it."""
    sent = request.POST
    if request.method == "POST":
        values = {
            "name": sent.get("name", ""),
            "query": sent.get("q", ""),
            "since": sent.get("since", ""),
            "sort": sent.get("sort", ""),
            "columns": [name for name in sent.get("columns", "").split(",") if name],
            "shared": "shared" in sent,
        }
        try:
            view = saved_views.save(viewer(request, project), values)
        except InvalidInput as error:
            audit.nothing_done()
            request.session[COMPLAINT] = error.message
            given = [(name, sent.get(name, "")) for name in ("q", "since", "sort", "columns") if sent.get(name)]
            return redirect(f"{reverse('traces')}?{urlencode(given)}")
        return redirect(reverse("traces") + view_query(view))
    return redirect("traces")


@form_page
def change_view(request: HttpRequest, project: str, view_id: int) -> HttpResponse:
    """Renames, shares, deletes or brings back one view."""
    who, what = viewer(request, project), request.POST.get("do", "")
    if request.method != "POST":
        return redirect("traces")
    if what == "restore":
        return redirect(reverse("traces") + view_query(saved_views.restore(who, view_id)))
    if what == "delete":
        view = saved_views.delete(who, view_id)
        request.session[DELETED] = {"id": view.pk, "name": view.name}
        return redirect(reverse("traces") + view_query(view))
    view = saved_views.find(who, view_id)
    values: dict[str, Any] = {"shared": not view.shared} if what == "share" else {"name": request.POST.get("name", "")}
    try:
        saved_views.save(who, values, view)
    except InvalidInput as error:
        audit.nothing_done()
        request.session[COMPLAINT] = error.message
        view.refresh_from_db()
    return redirect(reverse("traces") + view_query(view))
