"""Logging in and out: by name and password, or by the one-time link that the start printed.

Whoever is who they say goes on to allauth's stages, which ask for the second factor of those who have one.
"""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from django.conf import settings
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from dashboard import login_events
from dashboard.login_limit import failures
from tracestore.login_links import use_login_link

HOME = "/"


def log_in(request: HttpRequest, user: Any, *, way: str = "password", go_on_to: str = HOME) -> HttpResponse:
    """Logs in a person who has just proved who they are, and answers with the page that comes next.

    Of somebody with a second factor that is the page which asks for it: until then nobody is logged in.
    `go_on_to` is an address of this host.
    """
    record_authentication(request, user, method=way)
    response: HttpResponse = perform_login(request, user, redirect_url=go_on_to)
    return response


class Login(LoginView):
    """Django's own check; `next` is followed only to this host (`RedirectURLMixin`)."""

    template_name = "dashboard/login.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        environment = settings.ENVIRONMENT
        return super().get_context_data(oidc=environment.oidc, password_login=environment.password_login, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        wait = failures.wait(*self.attempt())
        if wait:
            # Before the password is looked at: the answer says nothing about it.
            context = self.get_context_data(form=self.get_form_class()(request), wait=wait)
            return self.render_to_response(context, status=429, headers={"Retry-After": str(wait)})
        return super().post(request, *args, **kwargs)

    def form_invalid(self, form: Any) -> HttpResponse:
        failures.note(*self.attempt())
        return self.render_to_response(self.get_context_data(form=form), status=401)

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.get_user()
        if not settings.ENVIRONMENT.password_login and not user.is_superuser:
            # Counted and answered as a wrong one, or this page would still tell which passwords are right.
            login_events.failed(self.request, user.get_username(), by="password", reason="switched off")
            form.add_error(None, form.get_invalid_login_error())
            return self.form_invalid(form)
        failures.forget(*self.attempt())
        return log_in(self.request, user, go_on_to=self.get_success_url())

    def attempt(self) -> tuple[str, str]:
        return self.request.POST.get("username", ""), self.request.META.get("REMOTE_ADDR", "")


class Logout(LogoutView):
    """POST only (Django 5)."""


@never_cache
@require_GET
def login_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Logs the first visitor in; anybody later is told that the link is spent.

    On a loopback bind the link alone is enough, even of somebody with a second factor: it was printed on this machine,
    and whoever can read that could as well take the second factor away by `manage.py second_factor`. Beyond loopback
    links travel, so the second factor is asked for.
    """
    user = use_login_link(token)
    if user is None:
        return render(request, "dashboard/login_link_spent.html", status=403)
    if not settings.ENVIRONMENT.loopback:
        return log_in(request, user, way="link")
    record_authentication(request, user, method="link")
    adapter = get_adapter(request)
    adapter.login(request, user)
    response: HttpResponse = adapter.post_login(
        request, user, email_verification="none", signal_kwargs=None, email=None, signup=False, redirect_url=HOME
    )
    return response
