"""Logging in and out: by name and password, or by the one-time link that the start printed."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import login
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from tracestore.login_links import use_login_link

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


class Login(LoginView):
    """Django's own check; `next` is followed only to this host (`RedirectURLMixin`)."""

    template_name = "dashboard/login.html"
    redirect_authenticated_user = True

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=401)


class Logout(LogoutView):
    """POST only (Django 5)."""


@never_cache
@require_GET
def login_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Logs the first visitor in; anybody later is told that the link is spent."""
    user = use_login_link(token)
    if user is None:
        return render(request, "dashboard/login_link_spent.html", status=403)
    login(request, user, backend=MODEL_BACKEND)
    return redirect("home")
