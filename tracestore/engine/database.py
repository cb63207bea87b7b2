"""chDB, behind four verbs: connect, set, query, insert. The only module that imports chdb.

Facts this rests on, all measured: chDB releases the GIL while it works; a connection costs
0.2 ms and carries its own settings, temporary tables and current database, so one connection a
request keeps requests apart; the options given to the first connection configure the whole
engine; `INTO OUTFILE '/dev/fd/N'` writes a result into a pipe in any format, headers and all,
with back-pressure (the streaming API repeats format headers at each block); `FROM INFILE '/dev/fd/N'`
reads an insert's data from a file in memory as fast as the streaming API, and tells when the table
refuses them, which that one does not.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from chdb import _chdb as _untyped_chdb

from tracestore.engine.data_file import data_file
from tracestore.engine.errors import NOT_ENOUGH_SPACE, UNKNOWN_FORMAT, EngineError, from_engine
from tracestore.engine.statement import quote

_chdb: Any = _untyped_chdb
FORMAT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}\Z")
_SETTING_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")


@dataclass
class Statistics:
    """What a statement read and wrote, as far as chDB tells."""

    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0
    result_bytes: int = 0
    elapsed_ns: int = 0


def _statistics(result: Any) -> Statistics:
    return Statistics(
        read_rows=result.storage_rows_read() or result.rows_read(),
        read_bytes=result.storage_bytes_read() or result.bytes_read(),
        written_rows=result.rows_written(),
        written_bytes=result.bytes_written(),
        result_rows=result.rows_read(),
        result_bytes=result.bytes_read(),
        elapsed_ns=int(result.elapsed() * 1e9),
    )


class Connection:
    """One chDB connection. Not for two threads at once; blocking, so call it from a worker."""

    def __init__(self, native: Any) -> None:
        self._native = native
        # What `use` said last; asking the engine costs as much as a small question.
        self._database: str | None = None

    def set(self, settings: Mapping[str, str]) -> None:
        """Apply settings to every later statement of this connection."""
        if not settings:
            return
        for name in settings:
            if not _SETTING_NAME.match(name):
                raise from_engine(f"Code: 115. DB::Exception: Unknown setting {quote(name)}. (UNKNOWN_SETTING)")
        self.query("SET " + ", ".join(f"{name} = {quote(v)}" for name, v in settings.items()))

    def use(self, database: str) -> None:
        """Make `database` the one that unqualified names mean."""
        self.query("USE `" + database.replace("\\", "\\\\").replace("`", "\\`") + "`")
        self._database = database

    def database(self) -> str:
        """The database that unqualified names mean."""
        if self._database is None:
            name, _ = self.query("SELECT currentDatabase()", "TabSeparatedRaw")
            self._database = name.decode("utf-8", "surrogateescape").rstrip("\n")
        return self._database

    def forget_database(self) -> None:
        """Call it after a statement of the client's own that may have changed it."""
        self._database = None

    def query(
        self,
        text: str,
        output_format: str = "TabSeparated",
        params: Mapping[str, str] | None = None,
    ) -> tuple[bytes, Statistics]:
        """Run a statement and return its whole result. For results known to be small."""
        try:
            result = self._native.query(_encoded(text), output_format, params=dict(params or {}))
        except RuntimeError as error:
            raise from_engine(str(error)) from None
        return result.bytes(), _statistics(result)

    def query_into(self, descriptor: int, text: str, output_format: str, params: Mapping[str, str]) -> Statistics:
        """Run a SELECT and write its result to a file descriptor, blocking while it is full."""
        _, statistics = self.query(
            f"{text}\nINTO OUTFILE '/dev/fd/{descriptor}' APPEND FORMAT `{output_format}`",
            "Null",
            params,
        )
        return statistics

    def blocks(self, text: str, params: Mapping[str, str], statistics: Statistics) -> Generator[bytes, None, None]:
        """Run a statement and yield its result block by block in the Native format."""
        try:
            stream = self._native.send_query(_encoded(text), "Native", params=dict(params))
        except RuntimeError as error:
            raise from_engine(str(error)) from None
        finished = False
        try:
            while True:
                try:
                    chunk = self._native.streaming_fetch_result(stream)
                except RuntimeError as error:
                    finished = True
                    raise from_engine(str(error)) from None
                if chunk is None or chunk.rows_read() == 0:
                    finished = True
                    return
                statistics.result_rows += chunk.rows_read()
                statistics.read_rows += chunk.storage_rows_read() or chunk.rows_read()
                statistics.read_bytes += chunk.storage_bytes_read() or chunk.bytes_read()
                yield chunk.bytes()
        finally:
            if not finished:
                self._native.streaming_cancel_query(stream)

    def insert(self, text: str, input_format: str, chunks: Iterable[bytes], settings: str = "") -> Statistics:
        """Run an INSERT whose data, in `input_format`, are `chunks`. All of them or an error.

        By way of a file, because chDB's own streaming insert (`send_insert`) answers success also when
        the table took nothing: a full disk, too many parts or partitions, a violated constraint.
        `settings` is the SETTINGS clause without the keyword.
        """
        if not FORMAT_NAME.match(input_format):
            raise EngineError(UNKNOWN_FORMAT, "Unknown format: a format is a word.")
        clause = f"SETTINGS {settings}\n" if settings else ""
        try:
            with data_file(chunks) as path:
                _, statistics = self.query(
                    f"{text}\nFROM INFILE {quote(path)} COMPRESSION 'none'\n{clause}FORMAT {input_format}", "Null"
                )
        except OSError as error:
            raise EngineError(NOT_ENOUGH_SPACE, f"Cannot keep the data of the insert: {error.strerror}.") from None
        return statistics

    def statement_class(self, text: str) -> tuple[str, int]:
        """The engine's own verdict on a text: its class (READ_ONLY, …) and its statement count."""
        verdict = self._native.classify_query(text, "")
        return verdict["query_class"].name, verdict["statement_count"]

    def close(self) -> None:
        """Free the connection with its temporary tables."""
        self._native.close()


def _encoded(text: str) -> str | bytes:
    """Text that is not valid UTF-8 travels as the bytes it came as."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")
    return text


class Database:
    """The open data directory. Open it once per process, after its lock is taken."""

    def __init__(self, path: Path, server_options: Mapping[str, int | str], defaults: Mapping[str, str]) -> None:
        _chdb.set_signal_handlers_enabled(False)
        self._target = f"{path}?{urlencode(defaults)}"
        # The anchor keeps the engine alive between requests; chDB shuts down with its last
        # connection.
        options = {**server_options, **defaults}
        self._anchor = Connection(_chdb.connect(f"{path}?{urlencode(options)}"))
        self._anchor.query("SELECT 1")

    def connect(self) -> Connection:
        """A fresh connection with the default settings."""
        try:
            return Connection(_chdb.connect(self._target))
        except RuntimeError as error:
            raise from_engine(str(error)) from None

    def close(self) -> None:
        """Close the engine. Every other connection must be closed before."""
        self._anchor.close()
