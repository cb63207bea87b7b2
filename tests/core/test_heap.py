"""Free memory is given back to the operating system."""

from __future__ import annotations

import ctypes
from typing import Any

import psutil
import pytest

from tracestore import heap

MIB = 1 << 20


@pytest.fixture(autouse=True)
def asked_anew() -> Any:
    heap._malloc_trim.cache_clear()
    yield
    heap._malloc_trim.cache_clear()


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="needs glibc")
def test_what_is_free_between_what_is_kept_is_given_back() -> None:
    process = psutil.Process()
    texts = ["x" * 8_000 + str(number) for number in range(16_384)]
    kept = texts[::64]
    full = process.memory_info().rss
    del texts
    heap.give_back()
    assert process.memory_info().rss < full - 64 * MIB
    assert all(text.startswith("x") for text in kept)


def test_without_glibc_it_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    assert heap.give_back() is False
