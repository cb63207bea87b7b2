"""Asks several questions of the store at the same time, for answers that need more than one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Final, TypeVar

A = TypeVar("A")
B = TypeVar("B")

#: Enough for a few requests at once; beyond that they queue, and the store would be the limit anyway.
_THREADS: Final = ThreadPoolExecutor(8, thread_name_prefix="questions")


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
