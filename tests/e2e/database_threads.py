"""Threads that each have a connection of their own to a PostgreSQL, under Django's ordinary name."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper

from tests.alerts.test_incident_races import Database as OnSqlite
from tracestore.models import Lease, Project
from tracestore.settings import database as parsed


class Database(OnSqlite):
    """As the class it is made from, on a server; without projects."""

    def __init__(self, url: str) -> None:
        self.settings = {**connections.settings["default"], "OPTIONS": {}, **parsed(url), "CONN_MAX_AGE": 0}
        self.one(_empty)

    def run(self, *works: Callable[[], None]) -> list[BaseException]:
        failed: list[BaseException] = []
        barrier = threading.Barrier(len(works))

        def work(one: Callable[[], None]) -> None:
            own = DatabaseWrapper(self.settings, "default")
            connections["default"] = own  # of this thread only
            try:
                barrier.wait(30)
                one()
            except BaseException as error:
                failed.append(error)
            finally:
                own.close()

        threads = [threading.Thread(target=work, args=(one,)) for one in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        return failed


def _empty() -> None:
    """Everything of on-call hangs on a project. Not `flush`: some tables refuse to be emptied."""
    Project.objects.all().delete()
    Lease.objects.all().delete()
