"""Test-wide set-up: a private data directory before Django reads its settings."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Set before Django loads; nothing of the developer's own environment may leak into the tests.
for name in [name for name in os.environ if name.startswith("TRACESTORE_")]:
    if name not in ("TRACESTORE_CORPUS", "TRACESTORE_CHROMIUM", "TRACESTORE_SCREENSHOTS", "TRACESTORE_SCHEMATHESIS"):
        del os.environ[name]
_data = tempfile.TemporaryDirectory(prefix="tracestore-tests-")
os.environ["TRACESTORE_DATA_DIR"] = _data.name
# Tests ask as fast as they can; those of the limits (test_request_limit, test_reading_budget) set their own.
os.environ["TRACESTORE_API_REQUESTS_PER_SECOND"] = "0"
os.environ["TRACESTORE_READ_BYTES_PER_SECOND"] = "0"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracestore.settings")

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402
from pytest_django import DjangoDbBlocker  # noqa: E402

# How long a made-up example takes says how busy the machine is, and nothing about the code.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

#: Folders whose files take longest, in this order: with xdist a long file at the end would keep one core waiting.
LONGEST_FIRST = ("e2e", "security", "clickhouse", "engine", "examples", "benchmarks", "operations")


#: The settings as they are before the first test.
ENVIRONMENT = pytest.StashKey[object]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Puts the longest folders first; `make test` keeps xdist from ordering files anew by their number of tests."""
    from django.conf import settings

    config.stash[ENVIRONMENT] = settings.ENVIRONMENT
    tests = Path(__file__).parent
    place = {tests / name: index for index, name in enumerate(LONGEST_FIRST)}

    def rank(item: pytest.Item) -> int:
        return min((place[folder] for folder in item.path.parents if folder in place), default=len(place))

    items.sort(key=rank)  # stable: the order within a folder is left


def folder(item: pytest.Item) -> str:
    return item.path.relative_to(Path(__file__).parent).parts[0]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """A folder's tests may lead the settings to a store of theirs, but not those of the next folder."""
    yield
    if nextitem is None or folder(nextitem) != folder(item):
        from django.conf import settings

        left = settings.ENVIRONMENT is not item.config.stash[ENVIRONMENT]
        assert not left, f"tests/{folder(item)} leaves other settings behind"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Without the triggers of the audit log: Django empties all tables after tests that commit.

    Tests of the triggers put them up again (tests/core/test_append_only.py).
    """
    from django.db import connection

    from tracestore.models import append_only

    with django_db_blocker.unblock():
        append_only.take_down(connection)
