"""Fixtures of the end-to-end tests: one Tracestore for all that do not break it, running from the first to the last."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.e2e.stack import Stack


@pytest.fixture(scope="session", autouse=True)
def migrated_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Stacks begin with a copy of one migrated data directory; with xdist, the workers' folders have a common one."""
    folder = tmp_path_factory.getbasetemp()
    Stack.common = (folder.parent if os.environ.get("PYTEST_XDIST_WORKER") else folder) / "migrated"


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("tracestore")) as running:
        yield running


@pytest.fixture(autouse=True)
def balanced() -> Iterator[None]:
    """After every test: what ingest received is stored, deduplicated, rejected or refused, to the last span."""
    yield
    for running in Stack.running:
        running.assert_balanced()
