"""Middleware that records in the audit log every request that changes something, and the reads that matter.

A change and its entry are one transaction: what cannot be recorded is not done. Where that is not possible
(`audit_routes` says where and why), the entry is written after the change and before the answer, and when that
fails the answer says so. Belongs last, so that nothing but the view itself is inside of the transaction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

import structlog
from asgiref.sync import async_to_sync, iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import Resolver404, ResolverMatch, resolve

from dashboard.audit_requests import actor_of, detail_of, project_of, sent_of, subject_of
from dashboard.audit_routes import CHANGES, LEFT_OUT, OTHER, READS, Route
from dashboard.bounded_refusals import refusals
from dashboard.pages.access import error_page
from tracestore import audit
from tracestore.errors import Unavailable

log = structlog.get_logger(__name__)

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
NOT_DONE: Final = "The audit log could not be written, so nothing was done: try again."
DONE: Final = (
    "It was done, but the audit log could not be written; the server's log holds what would stand there. Do not repeat"
    " it without looking."
)
NOT_GIVEN: Final = "The audit log could not be written, so the answer is not given: try again."

Answer = Callable[[HttpRequest], HttpResponseBase]


class AuditTrail:
    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.asynchronous = iscoroutinefunction(get_response)
        if self.asynchronous:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.asynchronous:
            return self.later(request)
        response = cast(Answer, self.get_response)
        return read(request, response(request)) if request.method in SAFE else change(request, response)

    async def later(self, request: HttpRequest) -> HttpResponseBase:
        if request.method in SAFE:
            response: HttpResponseBase = await self.get_response(request)
            return await sync_to_async(read)(request, response) if is_read(request) else response
        # In the thread of the request, which the view comes back to: a transaction belongs to a thread.
        return await sync_to_async(change)(request, async_to_sync(self.get_response))


def change(request: HttpRequest, answer: Answer) -> HttpResponseBase:
    """Answers and records it."""
    try:
        match = resolve(request.path_info)
    except Resolver404:
        return answer(request)
    name = f"{request.method} {match.url_name}"
    if name in LEFT_OUT:
        return answer(request)
    route = CHANGES.get(name, OTHER)
    with audit.acting(actor_of(request)) as doing:
        if route.apart:
            response = answer(request)
            if response.status_code < 400 or (route.word == "sql.asked" and response.status_code < 500):
                response = after(request, response, match, route, doing)
        else:
            try:
                response = together(request, answer, match, route, doing)
            except DatabaseError as error:
                log.error("a change was refused, as it could not be recorded", route=name, exc_info=error)
                return unrecorded(request, NOT_DONE)
        if response.status_code == 403:
            refused(request, match, route)
    return response


def together(
    request: HttpRequest, answer: Answer, match: ResolverMatch, route: Route, doing: audit.Doing
) -> HttpResponseBase:
    """The change and its entry, both or neither.

    Raises:
        DatabaseError: the database could not take them.
    """
    with transaction.atomic():
        response = answer(request)
        if response.status_code >= 500:
            transaction.set_rollback(True)
        elif response.status_code < 400:
            write(request, response, match, route, doing)
    return response


def after(
    request: HttpRequest, response: HttpResponseBase, match: ResolverMatch, route: Route, doing: audit.Doing
) -> HttpResponseBase:
    """The entry of what was done already."""
    try:
        write(request, response, match, route, doing)
    except DatabaseError as error:
        log.error(
            "a change could not be recorded", action=route.of(sent_of(request)), actor=doing.actor.name,
            project=project_of(request), subject=doing.subject or subject_of(match, response), exc_info=error,
        )  # fmt: skip
        response.close()
        return unrecorded(request, DONE)
    return response


def write(
    request: HttpRequest, response: HttpResponseBase, match: ResolverMatch, route: Route, doing: audit.Doing
) -> None:
    sent = sent_of(request)
    word = route.of(sent)
    if not word or doing.nothing:
        return
    audit.record(
        word,
        project="" if doing.organisation else project_of(request),
        organisation=doing.organisation,
        subject=doing.subject or subject_of(match, response),
        detail=detail_of(word, match, sent, response),
        # Only now: who the key is for was found out while answering.
        actor=actor_of(request),
    )


def is_read(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and match.url_name in READS


def read(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Records that something was taken away; gives nothing away that could not be recorded."""
    match = request.resolver_match
    if match is None or match.url_name not in READS or request.method != "GET":
        return response
    word = READS[match.url_name]
    asked = {name: str(value) for name, value in request.GET.items()}
    statement = word == "sql.asked"
    if response.status_code >= (500 if statement else 400) or (statement and not asked.get("q", "").strip()):
        return response
    if response.status_code in (301, 302, 401, 403) or (response.status_code >= 400 and not refusals.take(request)):
        return response
    try:
        audit.record(
            word, project=project_of(request), subject=subject_of(match, response),
            detail=detail_of(word, match, asked, response), actor=actor_of(request),
        )  # fmt: skip
    except DatabaseError as error:
        log.error("a read was not answered, as it could not be recorded", action=word, exc_info=error)
        response.close()
        return unrecorded(request, NOT_GIVEN)
    return response


def refused(request: HttpRequest, match: ResolverMatch, route: Route) -> None:
    """Somebody known tried what they may not do. Bounded, and no reason to answer otherwise."""
    actor = actor_of(request)
    if actor.kind not in ("user", "key", "machine") or not refusals.take(request):
        return
    try:
        audit.record(
            "request.refused", project=project_of(request), subject=subject_of(match, None),
            detail={"action": route.of(sent_of(request)) or route.word}, actor=actor,
        )  # fmt: skip
    except DatabaseError as error:
        log.error("a refusal could not be recorded", actor=actor.name, exc_info=error)


def unrecorded(request: HttpRequest, message: str) -> HttpResponse:
    error = Unavailable(message)
    if request.path_info.startswith("/api/"):
        return JsonResponse(
            {"error": {"code": error.code, "message": message}}, status=503, headers={"Cache-Control": "no-store"}
        )
    return error_page(request, error)
