"""Who is asking: the two users of the embedded engine, and the readers of one project."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from tracestore.engine import readers
from tracestore.engine.errors import AUTHENTICATION_FAILED, EngineError
from tracestore.engine.readers import ReadersFile
from tracestore.engine.settings import ADMIN_USER, READER_USER


@dataclass(frozen=True)
class Account:
    """An authenticated user."""

    name: str
    read_only: bool
    project: str = ""  # the only one that is seen; empty for all


class Accounts:
    """Checks names and passwords. An empty password locks its account."""

    def __init__(self, admin_password: str, reader_password: str, of_one_project: ReadersFile) -> None:
        self._of_one_project = of_one_project
        admin = Account(ADMIN_USER, read_only=False)
        self._known = {
            ADMIN_USER: (admin_password, admin),
            # A server's clients say `default` when told nothing; it is only another name.
            "default": (admin_password, admin),
            READER_USER: (reader_password, Account(READER_USER, read_only=True)),
        }

    def authenticate(self, headers: Mapping[str, str], params: Mapping[str, str]) -> Account:
        """The account of a request, by basic auth, headers or URL parameters; else code 516."""
        name, password = _credentials(headers, params)
        expected, account = self._known.get(name, ("", None))
        if account is None and (found := self._of_one_project.find(name)) is not None:
            expected, account = found.digest, Account(found.user, read_only=True, project=found.project)
            password = readers.digest(password)
        given = password.encode("utf-8", "surrogateescape")
        correct = hmac.compare_digest(given, expected.encode("utf-8", "surrogateescape"))
        if account is None or not expected or not correct:
            shown = "".join(c for c in name if c.isprintable())[:64]
            raise EngineError(
                AUTHENTICATION_FAILED,
                f"{shown}: Authentication failed: password is incorrect, or there is no user with such name.",
            )
        return account


def _credentials(headers: Mapping[str, str], params: Mapping[str, str]) -> tuple[str, str]:
    if "x-clickhouse-user" in headers or "x-clickhouse-key" in headers:
        return headers.get("x-clickhouse-user", "default"), headers.get("x-clickhouse-key", "")
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            decoded = base64.b64decode(value.strip(), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            decoded = ""
        name, _, password = decoded.partition(":")
        return name or "default", password
    return params.get("user", "default"), params.get("password", "")
