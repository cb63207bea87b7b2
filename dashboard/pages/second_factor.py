"""The second factor: asked for at login, set up and taken away, with recovery codes. All by allauth, in our frame.

Each page that changes something asks for the password again first (`confirm`), which counts for five minutes.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from allauth.account.views import ReauthenticateView
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.base.views import ReauthenticateView as ReauthenticateByCodeView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from dashboard.pages.own_page import own_page, page_on_the_way
from tracestore import second_factor


class Ask(AuthenticateView):
    """Between the password and the login."""

    template_name = "dashboard/second_factor.html"

    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)
        response.status_code = 401
        return response


class SetUp(ActivateTOTPView):
    template_name = "dashboard/account/second_factor.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().get_context_data(**kwargs)
        secret: str = found["form"].secret
        missing = second_factor.is_missing(self.request.user, self.request.session)
        groups = [secret[start : start + 4] for start in range(0, len(secret), 4)]
        return {**found, "secret": " ".join(groups), "missing": missing}

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        # allauth does not count the code that sets it up as used.
        made = Authenticator.objects.get(user=self.request.user, type=Authenticator.Type.TOTP)
        made.wrap().validate_code(form.cleaned_data["code"])
        return response


class TakeAway(DeactivateTOTPView):
    template_name = "dashboard/account/second_factor_off.html"


class Codes(ViewRecoveryCodesView):
    """Shows the codes once: the file is in the page, since there is no second time to fetch it."""

    template_name = "dashboard/account/recovery_codes.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().get_context_data(**kwargs)
        file = "".join(f"{code}\n" for code in found["unused_codes"])
        return {**found, "file": f"data:text/plain;charset=utf-8,{quote(file)}"}


class NewCodes(GenerateRecoveryCodesView):
    template_name = "dashboard/account/new_codes.html"


class Confirm(ReauthenticateView):
    template_name = "dashboard/account/confirm.html"


class ConfirmByCode(ReauthenticateByCodeView):
    template_name = "dashboard/account/confirm.html"


ask = Ask.as_view()
set_up = page_on_the_way(SetUp.as_view())
take_away = own_page(TakeAway.as_view())
codes = own_page(Codes.as_view())
new_codes = own_page(NewCodes.as_view())
confirm = page_on_the_way(Confirm.as_view())
confirm_by_code = page_on_the_way(ConfirmByCode.as_view())


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Where allauth goes when it is done."""
    return redirect("account")
