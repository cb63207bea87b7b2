"""One request's work on the engine, done in a worker thread from the first byte to the last."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field

from tracestore.engine.accounts import Account
from tracestore.engine.admission import refused
from tracestore.engine.body import BodyReader
from tracestore.engine.database import FORMAT_NAME, Connection, Database, Statistics
from tracestore.engine.errors import (
    QUERY_WAS_CANCELLED,
    SYNTAX_ERROR,
    UNKNOWN_DATABASE,
    UNKNOWN_FORMAT,
    EngineError,
)
from tracestore.engine.external_tables import ExternalTable
from tracestore.engine.gate import Gate, use_reader_database
from tracestore.engine.native_protocol import NativeReframer
from tracestore.engine.reader_policy import reader_settings
from tracestore.engine.request import Request
from tracestore.engine.running import QueryIds
from tracestore.engine.sessions import Session, is_stateful
from tracestore.engine.settings import READER_LIMITS
from tracestore.engine.statement import (
    InsertHead,
    Statement,
    insert_head,
    is_insert,
    parse,
    parse_settings,
    quote,
    unquote,
)

_HEAD_BYTES = 1 << 16
_MAX_QUERY_BYTES = 16 << 20


@dataclass
class Job:
    """Everything a worker needs to answer one request."""

    request: Request
    account: Account
    body: Callable[[], BodyReader]
    query_id: str
    tag: str
    session: Session | None
    pipe: int  # a large result is written here
    external_tables: list[ExternalTable] = field(default_factory=list)
    bound: dict[str, str] = field(default_factory=dict)  # settings that bind a reader to one project
    output_format: str = "TabSeparated"  # known before the first byte of the result


@dataclass(frozen=True)
class Result:
    """The end of a job that went well: what was counted, and the result if it was not piped."""

    statistics: Statistics
    data: bytes = b""


class Executor:
    """Runs jobs. One instance for all threads."""

    def __init__(self, database: Database, gate: Gate, query_ids: QueryIds) -> None:
        self._database = database
        self._gate = gate
        self._query_ids = query_ids

    def run(self, job: Job) -> Result:
        """Run a job and close its pipe's writing end, whatever happens."""
        try:
            return self._run(job)
        finally:
            os.close(job.pipe)

    def _run(self, job: Job) -> Result:
        reader = job.body()
        wanted, first = self._read_statement(job, reader)
        session = job.session
        statement = wanted if isinstance(wanted, Statement) else None
        keeps = session is not None and (
            session.connection is not None
            or (statement is not None and is_stateful(statement.verb, tuple(t.upper for t in statement.tokens[:6])))
        )
        if not keeps or session is None or job.account.read_only:
            connection = self._database.connect()
            try:
                return self._answer(connection, job, wanted, first, reader)
            finally:
                connection.close()
        if session.connection is None:
            session.connection = self._database.connect()
        return self._answer_in_session(session.connection, job, wanted, first, reader)

    def _read_statement(self, job: Job, reader: BodyReader) -> tuple[Statement | InsertHead, bytes]:
        """The statement, and the first bytes of an INSERT's data that were read along with it."""
        prefix = job.request.query.encode("utf-8", "surrogateescape")
        text = prefix + b"\n" if prefix and not prefix.endswith(b"\n") else prefix
        limit = READER_LIMITS["max_query_size"] if job.account.read_only else _MAX_QUERY_BYTES
        complete = False
        while True:
            piece = reader.read(_HEAD_BYTES)
            if not piece:
                complete = True
            if not text:
                piece = piece.removeprefix(b"\xef\xbb\xbf")
            text += piece
            if is_insert(text):
                found = insert_head(text, complete)
                if isinstance(found, InsertHead):
                    return found, text[found.data_offset :]
                if found is not None:
                    return found, b""
            if complete:
                return parse(text.decode("utf-8", "surrogateescape")), b""
            if len(text) > limit:
                raise EngineError(SYNTAX_ERROR, f"Syntax error: query is over {limit} bytes.")

    def _answer_in_session(
        self,
        connection: Connection,
        job: Job,
        wanted: Statement | InsertHead,
        first: bytes,
        reader: BodyReader,
    ) -> Result:
        """Like `_answer`, and puts back what the request's own settings have changed."""
        before = _current_values(connection, job)
        database = connection.database() if job.request.database else ""
        try:
            return self._answer(connection, job, wanted, first, reader)
        finally:
            for assignment in before:
                connection.query(assignment)
            if database and not (isinstance(wanted, Statement) and wanted.verb == "USE"):
                connection.use(database)

    def _answer(
        self,
        connection: Connection,
        job: Job,
        wanted: Statement | InsertHead,
        first: bytes,
        reader: BodyReader,
    ) -> Result:
        request = job.request
        params = request.query_parameters
        job.output_format = (
            wanted.format if isinstance(wanted, Statement) and wanted.format else ""
        ) or request.default_format
        if not FORMAT_NAME.match(job.output_format):
            # The name becomes part of a statement (and of a header), so nothing else may be in it.
            job.output_format = "TabSeparated"
            raise EngineError(UNKNOWN_FORMAT, "Unknown format: a format is a word.")
        if job.account.read_only:
            wanted = self._admit(connection, job, wanted, params)
        else:
            self._prepare(connection, job, wanted)
        for table in job.external_tables:
            table.create(connection)
        if job.account.read_only:
            connection.set({"readonly": "1"})
        if isinstance(wanted, InsertHead):
            if params:
                connection.set({f"param_{name}": value for name, value in params.items()})
            return Result(connection.insert(wanted.text, wanted.format, reader.chunks(first), wanted.settings))
        text = wanted.text
        if wanted.verb == "KILL":
            text = self._with_engine_ids(connection, wanted)
        bare = text
        if wanted.settings:
            text += f"\nSETTINGS {wanted.settings}"
        if not wanted.has_result:
            if wanted.verb in ("USE", "DROP"):
                connection.forget_database()
            data, statistics = connection.query(text, job.output_format, params)
            if not data:
                job.output_format = ""  # clients tell success without rows from no rows by this
            return Result(statistics, data)
        native_revision = request.protocol_revision if job.output_format == "Native" else 0
        if native_revision and wanted.streams:
            return Result(self._write_blocks(connection, job, text, bare))
        if wanted.streams:
            return Result(connection.query_into(job.pipe, text, job.output_format, params))
        data, statistics = connection.query(text, job.output_format, params)
        if native_revision:
            data = NativeReframer(native_revision, list).reframe_all(data)
        return Result(statistics, data)

    def _prepare(self, connection: Connection, job: Job, wanted: Statement | InsertHead) -> None:
        names = frozenset(table.name for table in job.external_tables)
        connection.set({**job.request.settings(names), "log_comment": job.tag})
        if job.request.database:
            try:
                connection.use(job.request.database)
            except EngineError as error:
                # Dropping or creating the very database one is connected to must work.
                creates = isinstance(wanted, Statement) and wanted.verb in ("CREATE", "DROP")
                if error.code != UNKNOWN_DATABASE or not creates:
                    raise

    def _admit(
        self,
        connection: Connection,
        job: Job,
        wanted: Statement | InsertHead,
        params: dict[str, str],
    ) -> Statement:
        if not isinstance(wanted, Statement) or job.external_tables:
            raise refused("Readers may run SELECT, SHOW, DESCRIBE, EXISTS and EXPLAIN.")
        use_reader_database(connection)
        given = job.request.settings()
        if wanted.settings:
            given = {**given, **parse_settings(wanted.settings)}
        settings = reader_settings(given)
        settings["log_comment"] = job.tag
        if job.request.database not in ("", "default", "tracestore"):
            raise refused("Readers use the database tracestore.")
        bare = Statement(wanted.text, wanted.verb, wanted.format, "", wanted.tokens)
        if job.account.project:
            job.bound = self._gate.binding(connection, job.account.project)
        self._gate.check(connection, bare, params, one_project=bool(job.account.project))
        connection.set({**settings, **job.bound})
        return bare

    def _write_blocks(self, connection: Connection, job: Job, text: str, bare: str) -> Statistics:
        """Write a Native result to the pipe as the client's protocol revision has it."""
        params = job.request.query_parameters
        database = connection.database()

        def column_types() -> list[str]:
            # On a connection of its own: the query's is busy. It does not see temporary tables;
            # their DateTime columns come without time zone.
            described = self._database.connect()
            try:
                described.use(database)
                if job.account.read_only:
                    described.set({**reader_settings({}), **job.bound, "readonly": "1"})
                return _described_types(described, bare, params)
            except EngineError:
                return []
            finally:
                described.close()

        reframer = NativeReframer(job.request.protocol_revision, column_types)
        statistics = Statistics()
        with contextlib.closing(connection.blocks(text, params, statistics)) as blocks:
            for block in blocks:
                view = memoryview(reframer.reframe(block))
                while view:
                    try:
                        view = view[os.write(job.pipe, view) :]
                    except BrokenPipeError:
                        raise EngineError(QUERY_WAS_CANCELLED, "The client is gone.") from None
        return statistics

    def _with_engine_ids(self, connection: Connection, statement: Statement) -> str:
        """A KILL QUERY with the clients' query ids in it replaced by the engine's."""
        text = statement.text
        for token in reversed(statement.tokens):
            if token.kind == "string" and token.text.startswith("'"):
                found = self._query_ids.engine_id(connection, unquote(token.text))
                if found:
                    text = text[: token.start] + quote(found) + text[token.end :]
        return text


def _described_types(connection: Connection, text: str, params: dict[str, str]) -> list[str]:
    described, _ = connection.query(f"DESCRIBE TABLE ({text}\n)", "TabSeparatedRaw", params)
    return [line.split("\t")[1] for line in described.decode().splitlines() if "\t" in line]


def _current_values(connection: Connection, job: Job) -> list[str]:
    """Statements that put the settings this request is going to change back to what they are."""
    names = frozenset(table.name for table in job.external_tables)
    changed = job.request.settings(names)
    if not changed:
        return []
    listed = ", ".join(quote(name) for name in changed)
    found, _ = connection.query(
        "SELECT name, hex(value), changed FROM system.settings "  # noqa: S608 quoted
        f"WHERE name IN ({listed})",
        "TabSeparatedRaw",
    )
    assignments = []
    for line in found.decode().splitlines():
        name, value, was_set = line.split("\t")
        restored = quote(bytes.fromhex(value).decode()) if was_set == "1" else "DEFAULT"
        assignments.append(f"SET {name} = {restored}")
    return assignments
