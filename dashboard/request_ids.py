"""Middleware that names each request (`tracestore.request_ids`) and tells its name in the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from tracestore import request_ids


def begin(request: HttpRequest) -> str:
    return request_ids.begin(request.headers.get(request_ids.HEADER), request.headers.get("traceparent"))


@sync_and_async_middleware
def name_requests(
    get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]],
) -> Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]:
    if iscoroutinefunction(get_response):
        answer = cast("Callable[[HttpRequest], Awaitable[HttpResponseBase]]", get_response)

        async def asynchronous(request: HttpRequest) -> HttpResponseBase:
            made = begin(request)
            response = await answer(request)
            response[request_ids.HEADER] = made
            return response

        return asynchronous

    answer_now = cast("Callable[[HttpRequest], HttpResponseBase]", get_response)

    def synchronous(request: HttpRequest) -> HttpResponseBase:
        made = begin(request)
        response = answer_now(request)
        response[request_ids.HEADER] = made
        return response

    return synchronous
