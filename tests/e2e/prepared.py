"""A data directory as the first start leaves it, made once and copied: only tests of migrating need to migrate."""

from __future__ import annotations

import fcntl
import json
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.engine_process import EngineProcess

ROOT = Path(__file__).resolve().parents[2]


def make(folder: Path, environment: Mapping[str, str], sql_password: str) -> None:
    """Runs an engine and `manage.py bootstrap` on an empty `folder`; nothing runs there afterwards.

    Raises AssertionError with the output when bootstrap fails.
    """
    folder.mkdir(parents=True)
    own = {"secret_key": secrets.token_urlsafe(50), "engine_password": secrets.token_urlsafe(24)}
    file = folder / "secrets.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps({**own, "sql_password": sql_password}))
    passwords = {"admin_password": own["engine_password"], "reader_password": sql_password}
    with EngineProcess(folder / "clickhouse", **passwords) as engine:
        done = subprocess.run(
            [sys.executable, "manage.py", "bootstrap"],
            cwd=ROOT,
            env={
                **environment,
                "TRACESTORE_DATA_DIR": str(folder),
                "TRACESTORE_CLICKHOUSE_PORT": str(engine.port),
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "clickhouse.stderr").unlink()


def copy(common: Path, data_dir: Path, environment: Mapping[str, str], sql_password: str) -> None:
    """Puts a copy into `data_dir`; the first to ask, of all processes that share `common`, makes it."""
    common.mkdir(parents=True, exist_ok=True)
    made = common / "made"
    with (common / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            shutil.rmtree(common / "making", ignore_errors=True)
            make(common / "making", environment, sql_password)
            (common / "making").rename(made)
    shutil.copytree(made, data_dir, symlinks=True, dirs_exist_ok=True)
