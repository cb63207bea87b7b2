"""Metadata from one database into another, and whether they are the same there, row by row."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Final

from django.conf import settings

from tracestore.backup import metadata
from tracestore.environment import ROOT
from tracestore.errors import InvalidInput

#: Model → its rows, each as one text that two databases write alike.
Rows = dict[str, list[str]]
#: Whoever has one of these has used the installation.
_USED: Final = ("tracestore.project", "auth.user")


def of_this_installation(folder: Path) -> tuple[Path, Rows]:
    """A file with all rows, and what is in it."""
    file = folder / metadata.ROWS
    metadata.dump(file)
    return file, read(file)


def read(path: Path) -> Rows:
    found: Rows = {}
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for row in json.load(file):
            found.setdefault(row["model"], []).append(json.dumps(row, sort_keys=True))
    return {model: sorted(rows) for model, rows in sorted(found.items())}


def used(rows: Rows) -> bool:
    return any(model in rows for model in _USED)


class Target:
    """The installation to be, reached by processes that have its environment."""

    def __init__(self, clickhouse_url: str, database_url: str | None, folder: Path) -> None:
        self._environ = {
            **os.environ,
            "TRACESTORE_DATA_DIR": str(settings.DATA_DIR),
            "TRACESTORE_CLICKHOUSE_URL": clickhouse_url,
            "DJANGO_SETTINGS_MODULE": "tracestore.settings",
        }
        if database_url is not None:
            self._environ["TRACESTORE_DATABASE_URL"] = database_url
        self._folder = folder

    def prepare(self) -> Rows:
        """Makes the tables of this version there, in both databases, and returns the metadata that are there already.

        Raises:
            InvalidInput: one of them cannot be used; the message says why.
        """
        return self._run()

    def load(self, file: Path) -> Rows:
        """Puts all metadata in, or none; returns what is there then.

        Raises:
            InvalidInput: as above, or somebody has put some in.
        """
        return self._run(file)

    def _run(self, *given: Path) -> Rows:
        back = self._folder / "there.json.gz"
        done = subprocess.run(
            [sys.executable, "-m", "tracestore.moving.receive", str(back), *map(str, given)],
            env=self._environ,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            said = (done.stderr.strip() or "it ended without a word").splitlines()[-1]
            raise InvalidInput(f"The target could not be made ready: {said[:400]}")
        return read(back)


def differences(source: Rows, target: Rows) -> list[str]:
    """Models whose rows are not the same, with what is missing and what is too much."""
    found = []
    for model in sorted(source.keys() | target.keys()):
        here, there = Counter(source.get(model, [])), Counter(target.get(model, []))
        missing, strange = (here - there).total(), (there - here).total()
        if missing or strange:
            found.append(f"{model} ({missing} rows missing or changed, {strange} others)")
    return found
