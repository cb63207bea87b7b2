"""The secrets of an installation: made once, private, the same for everybody who starts at that moment."""

from __future__ import annotations

import multiprocessing
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from tracestore import environment, secrets


@pytest.fixture
def settings_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> environment.Environment:
    monkeypatch.setenv("TRACESTORE_DATA_DIR", str(tmp_path / "data"))
    return environment.read()


def test_they_are_made_once_and_kept(settings_of: environment.Environment) -> None:
    first = secrets.load(settings_of)
    assert secrets.load(settings_of) == first
    assert len({first.secret_key, first.engine_password, first.sql_password}) == 3
    assert min(map(len, (first.engine_password, first.sql_password))) >= 20


def test_only_the_owner_may_read_them(settings_of: environment.Environment) -> None:
    secrets.load(settings_of)
    mode = (settings_of.data_dir / secrets.FILE).stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_the_environment_wins_and_is_not_written_down(settings_of: environment.Environment) -> None:
    given = replace(settings_of, secret_key="from-outside", sql_password="theirs")
    found = secrets.load(given)
    assert (found.secret_key, found.sql_password) == ("from-outside", "theirs")
    stored = (settings_of.data_dir / secrets.FILE).read_text()
    assert "from-outside" not in stored
    assert "theirs" not in stored


def test_a_first_start_of_many_processes_ends_with_the_same_secrets(settings_of: environment.Environment) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        found = pool.map(secrets.load, [settings_of] * 16)
    assert len(set(found)) == 1
    assert [name for name in os.listdir(settings_of.data_dir) if name.endswith("tmp")] == []
    assert os.listdir(settings_of.data_dir) == [secrets.FILE]
