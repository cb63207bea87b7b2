"""Fixtures of the end-to-end tests: one running Tracestore for all that do not break it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("tracestore")) as running:
        yield running


@pytest.fixture(autouse=True)
def balanced() -> Iterator[None]:
    """After every test: what ingest received is stored, deduplicated, rejected or refused, to the last span."""
    yield
    for running in Stack.running:
        running.assert_balanced()
