"""How long a login lasts, where a person is logged in, and ending it.

A session ends after three days without use, so that a laptop lost on a Friday is out by Tuesday and nobody logs in anew
on Monday; and after fourteen days in any case, so that a stolen cookie that is used all the time ends too. Use is noted
every five minutes at most: not each page should have to write. What a page asks for by itself while nobody looks is no
use.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any, Final, cast

from allauth.usersessions.models import UserSession
from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from dashboard import browser_names

LONGEST: Final = timedelta(days=14)
NOTED_EVERY_SECONDS: Final = 300
#: In the session, in seconds of the epoch: when the login was, and when it was last seen in use.
BEGAN: Final = "login_began"
SEEN: Final = "login_seen"
UNKNOWN: Final = "0.0.0.0"

Answer = HttpResponseBase | Awaitable[HttpResponseBase]


def begin(session: Any) -> None:
    """Starts the clocks of a login; its session has a new key already."""
    session[BEGAN] = int(time.time())
    session.pop(SEEN, None)
    session.set_expiry(end_of(session, time.time()))


def began(session: Any) -> int:
    return int(session.get(BEGAN, 0))


def moved(session: Any) -> None:
    """The session has another key: it is noted under the new one with this very answer."""
    session.pop(SEEN, None)


def end_of(session: Any, now: float) -> datetime:
    """When a session that is used now and never again ends."""
    last = min(now + settings.SESSION_COOKIE_AGE, began(session) + LONGEST.total_seconds())
    return datetime.fromtimestamp(last, UTC)


@sync_and_async_middleware
def note_use(get_response: Callable[[HttpRequest], Answer]) -> Callable[[HttpRequest], Answer]:
    """Middleware: puts off the end of a session that is in use."""
    if iscoroutinefunction(get_response):
        answer = cast("Callable[[HttpRequest], Awaitable[HttpResponseBase]]", get_response)

        async def asynchronous(request: HttpRequest) -> HttpResponseBase:
            response = await answer(request)
            if is_due(request):
                await sync_to_async(note)(request)
            return response

        return asynchronous

    answer_now = cast("Callable[[HttpRequest], HttpResponseBase]", get_response)

    def synchronous(request: HttpRequest) -> HttpResponseBase:
        response = answer_now(request)
        if is_due(request):
            note(request)
        return response

    return synchronous


def is_due(request: HttpRequest) -> bool:
    """Whether use is to be noted. Looks only at a session that the answer has read anyway."""
    session = getattr(request, "session", None)
    if session is None or not session.accessed or SESSION_KEY not in session:
        return False
    seen = session.get(SEEN)
    if seen is None:
        return True
    by_itself = request.method == "GET" and "HX-Request" in request.headers
    return not by_itself and time.time() - seen > NOTED_EVERY_SECONDS


def note(request: HttpRequest) -> None:
    session, now = request.session, time.time()
    # Before this version, sessions did not say when they began.
    session.setdefault(BEGAN, int(now))
    end = end_of(session, now)
    if end.timestamp() <= now:
        session.flush()
        return
    session[SEEN] = int(now)
    session.set_expiry(end)
    if not session.session_key:
        session.save()
    UserSession.objects.update_or_create(
        session_key=session.session_key,
        defaults={
            "user_id": session[SESSION_KEY],
            "ip": address(request),
            "user_agent": request.headers.get("User-Agent", "")[:200],
            "last_seen_at": datetime.fromtimestamp(now, UTC),
        },
    )


def address(request: HttpRequest) -> str:
    """Where a request came from. A proxy in front may have been told nonsense, which PostgreSQL would not take."""
    try:
        return str(ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return UNKNOWN


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person is logged in. Times in nanoseconds of the epoch."""

    number: int
    browser: str
    address: str
    began_ns: int
    seen_ns: int
    here: bool


def places(request: HttpRequest) -> list[Place]:
    """All sessions of the person that still work, the one that asks first, then the last used."""
    found = [
        Place(
            number=one.pk,
            browser=browser_names.short(one.user_agent),
            address=one.ip,
            began_ns=int(one.created_at.timestamp() * 1e9),
            seen_ns=int(one.last_seen_at.timestamp() * 1e9),
            here=one.session_key == request.session.session_key,
        )
        for one in UserSession.objects.purge_and_list(request.user)
    ]
    return sorted(found, key=lambda one: (not one.here, -one.seen_ns))


def end(request: HttpRequest, user: Any, number: int | None = None) -> int:
    """Ends one other session of a person, or all others; how many ended."""
    found = UserSession.objects.filter(user=user).exclude(session_key=request.session.session_key or "")
    if number is not None:
        found = found.filter(pk=number)
    ended = list(found)
    for one in ended:
        one.end()
    return len(ended)
