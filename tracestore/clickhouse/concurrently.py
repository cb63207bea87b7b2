"""Asks several questions of the store at the same time, for answers that need more than one."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Final, TypeVar

from django.conf import settings

A = TypeVar("A")
B = TypeVar("B")

#: Questions at once, beside those that the requests' own threads ask. An embedded engine has this machine's cores: more
#: questions than that are answered no sooner, but take more memory, and more turns from those who write and detect.
_AT_ONCE: Final = max(3, min(8, os.cpu_count() or 1)) if settings.ENVIRONMENT.embedded else 8
_THREADS: Final = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="questions")


def _submit(question: Callable[[], A]) -> Future[A]:
    """In the asker's context: who pays for a question (`charging`) is the same in every thread."""
    return _THREADS.submit(copy_context().run, question)


def both(first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
    """The answers of two independent questions, asked at once. If both fail, the first one's error."""
    other = _submit(second)
    try:
        mine = first()
    except BaseException:
        other.cancel()
        raise
    return mine, other.result()


def at_once(*questions: Callable[[], Any]) -> list[Any]:
    """The answers of many independent questions, in their order; of several failures the first one's error.

    A question must not ask several at once itself: it would wait for a thread while it holds one.
    """
    others = [_submit(question) for question in questions[1:]]
    try:
        return [questions[0](), *(other.result() for other in others)]
    except BaseException:
        for other in others:
            other.cancel()
        raise
