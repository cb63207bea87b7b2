from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from receiving import Loop, Running
from receiving import start as start_receiver


@pytest.fixture(scope="session")
def loop() -> Loop:
    return Loop()


@pytest.fixture
def start(loop: Loop) -> Iterator[Callable[..., Running]]:
    """Starts receivers with limits of the test's choice; stops them after it, when both ledgers must balance."""
    running: list[Running] = []

    def start_one(**limits: Any) -> Running:
        running.append(start_receiver(loop, **limits))
        return running[-1]

    yield start_one
    for one in running:
        one.writer.trouble = one.log_writer.trouble = lambda batch: None
        one.stop()
        one.assert_balanced()
        one.assert_logs_balanced()


@pytest.fixture
def receiver(start: Callable[..., Running]) -> Running:
    return start()
