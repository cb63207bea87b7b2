"""Secrets that an installation makes for itself at its first start, kept in the data directory.

One JSON file, readable by its owner only. What the environment sets wins and is not written down.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import dataclass

from tracestore.environment import Environment

FILE = "secrets.json"


@dataclass(frozen=True, slots=True)
class Secrets:
    """`secret_key` signs sessions and hashes API keys; the passwords are those of the ClickHouse users."""

    secret_key: str
    engine_password: str
    sql_password: str


def load(environment: Environment) -> Secrets:
    """Reads the secrets, making those that are missing. Safe when several processes start at once."""
    path = environment.data_dir / FILE
    environment.data_dir.mkdir(parents=True, exist_ok=True)
    stored: dict[str, str] = {}
    if path.exists():
        stored = json.loads(path.read_text())
    wanted = {"secret_key": 50, "engine_password": 24, "sql_password": 18}
    missing = {name: secrets.token_urlsafe(size) for name, size in wanted.items() if name not in stored}
    if missing:
        temporary = path.with_name(f".{FILE}.{os.getpid()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(stored | missing, file, indent=1)
        if stored:
            os.replace(temporary, path)
        else:
            with contextlib.suppress(FileExistsError):
                os.link(temporary, path)  # the first process to get here decides for all
            os.unlink(temporary)
        stored = json.loads(path.read_text())
    return Secrets(
        secret_key=environment.secret_key or stored["secret_key"],
        engine_password=stored["engine_password"],
        sql_password=environment.sql_password or stored["sql_password"],
    )
