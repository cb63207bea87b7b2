"""SQL users who read one project: made, given a new password, ended.

Embedded they are lines of a file in the data directory, which the engine reads (`engine.readers`). A ClickHouse
server keeps its own users: there each is a user with grants and row policies (`clickhouse.reader_users`). Neither
keeps a password; it is told once.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from django.conf import settings

from tracestore.clickhouse import reader_users
from tracestore.engine import readers
from tracestore.engine.one_project import SLUG
from tracestore.engine.readers import Reader
from tracestore.errors import InvalidInput

_LABEL: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}\Z")


def embedded() -> bool:
    return settings.ENVIRONMENT.clickhouse_url is None


def file() -> Path:
    return Path(settings.ENVIRONMENT.data_dir) / readers.FILE


def user_name(project: str, label: str = "") -> str:
    """`reader_PROJECT`, or `reader_PROJECT_LABEL` for a second one.

    Raises:
        InvalidInput: the label is none.
    """
    if label and not _LABEL.match(label):
        raise InvalidInput(
            "A label is up to 40 lower-case letters, digits and hyphens, such as grafana.", field="label"
        )
    if not SLUG.match(project):
        raise InvalidInput("This project's name cannot be part of a user's name.", field="project")
    return f"reader_{project}" + (f"_{label}" if label else "")


def listing() -> list[Reader]:
    """All readers of one project, by name. A server does not tell when one was made, nor its digest."""
    return sorted(_stored() if embedded() else reader_users.listing(), key=lambda reader: reader.user)


def new(project: str, label: str = "") -> tuple[Reader, str]:
    """A reader and its password; nobody knows of it yet."""
    password = secrets.token_urlsafe(32)
    made = datetime.now(UTC).isoformat(timespec="seconds")
    return Reader(user_name(project, label), project, readers.digest(password), made), password


def create(project: str, label: str = "") -> tuple[Reader, str]:
    """Makes a reader; returns it and its password.

    Raises:
        InvalidInput: there is one of that name.
    """
    reader, password = new(project, label)
    if any(one.user == reader.user for one in listing()):
        raise InvalidInput(f"There is a user {reader.user} already: give a label, or rotate its password.")
    if embedded():
        with _changing() as stored:
            stored.append(reader)
    else:
        reader_users.execute(reader_users.creation(reader))
    return reader, password


def rotate(user: str) -> tuple[Reader, str]:
    """A new password; the old one ends at once. Raises as `revoke`."""
    old = only(user)
    password = secrets.token_urlsafe(32)
    reader = replace(old, digest=readers.digest(password), made=datetime.now(UTC).isoformat(timespec="seconds"))
    if embedded():
        with _changing() as stored:
            stored[:] = [reader if one.user == user else one for one in stored]
    else:
        reader_users.execute(reader_users.rotation(reader))
    return reader, password


def revoke(user: str) -> Reader:
    """Ends a reader at once. What it is reading at that moment goes on to its end.

    Raises:
        InvalidInput: there is none of that name.
    """
    old = only(user)
    if embedded():
        with _changing() as stored:
            stored[:] = [one for one in stored if one.user != user]
    else:
        reader_users.execute(reader_users.removal(old))
    return old


def refresh() -> list[Reader]:
    """After an upgrade: lets the readers of a server read its new tables, too, bound as the others. Returns them."""
    if embedded():
        return []
    found = listing()
    for reader in found:
        reader_users.execute(reader_users.creation(reader))
    return found


def only(user: str) -> Reader:
    found = [one for one in listing() if one.user == user]
    if not found:
        raise InvalidInput(f"There is no user {user}: see manage.py sql_readers list.", field="user")
    return found[0]


def _stored() -> list[Reader]:
    try:
        return readers.from_text(file().read_text())
    except FileNotFoundError:
        return []
    except ValueError as error:
        raise InvalidInput(f"{file().name} in the data directory cannot be read. {error}") from None


@contextmanager
def _changing() -> Iterator[list[Reader]]:
    """The readers, to be changed; written when the block ends. One command at a time, whole or not at all."""
    path = file()
    lock = os.open(path.with_name(f".{path.name}.lock"), os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = _stored()
        yield found
        fresh = path.with_name(f".{path.name}.new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as written:
            written.write(readers.as_text(found))
            written.flush()
            os.fsync(written.fileno())
        os.replace(fresh, path)
    finally:
        os.close(lock)
