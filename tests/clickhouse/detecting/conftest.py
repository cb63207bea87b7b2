"""Fixtures of the tests of looking: two plain detectors instead of all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.detectors.small import ManyErrors, Repeats
from tracestore.alerts import builtin_rules
from tracestore.detectors import registry


@pytest.fixture
def two_detectors(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The shipped rules name every detector and are made once: they are made anew here, and after it."""
    monkeypatch.setattr(registry, "trace_detectors", lambda: (Repeats(),))
    monkeypatch.setattr(registry, "window_detectors", lambda: (ManyErrors(),))
    builtin_rules.shipped.cache_clear()
    yield
    builtin_rules.shipped.cache_clear()
