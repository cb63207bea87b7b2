"""The HTTP application: a request becomes a job, the job's result becomes the answer."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tracestore.engine.accounts import Account, Accounts
from tracestore.engine.answer import Answer, Send
from tracestore.engine.body import Body
from tracestore.engine.database import Database, Statistics
from tracestore.engine.errors import NOT_IMPLEMENTED, STD_EXCEPTION, EngineError
from tracestore.engine.execution import Executor, Job, Result
from tracestore.engine.external_tables import ExternalTable, read_multipart
from tracestore.engine.gate import Gate
from tracestore.engine.pipe import ResultPipe
from tracestore.engine.readers import ReadersFile
from tracestore.engine.request import Request, from_scope
from tracestore.engine.running import Killer, QueryIds, Slots
from tracestore.engine.sessions import Session, Sessions
from tracestore.engine.settings import EngineSettings

Receive = Callable[[], Awaitable[Mapping[str, Any]]]

_log = logging.getLogger("tracestore.engine")
_KILL_AGAIN_SECONDS = 0.05


class ClientGone(Exception):
    """The client closed its connection."""


class EngineApp:
    """ClickHouse's HTTP interface as an ASGI application over an open database."""

    def __init__(self, settings: EngineSettings, spool: Any, database: Database) -> None:
        self._settings = settings
        self._spool = spool
        self._database = database
        self._accounts = Accounts(settings.admin_password, settings.reader_password, ReadersFile(settings.readers))
        self._slots = Slots(settings.max_running, settings.max_waiting, settings.queue_seconds)
        self._reader_slots: dict[str, Slots] = {}
        self._query_ids = QueryIds()
        self._killer = Killer(database)
        self._executor = Executor(database, Gate(), self._query_ids)
        self._sessions = Sessions(settings.max_sessions)
        # Two more threads than places: KILL QUERY and the end of sessions never queue.
        self._threads = ThreadPoolExecutor(settings.max_running + 2, "engine")
        self._control = ThreadPoolExecutor(1, "control")
        self._housekeeping: asyncio.Task[None] | None = None
        connection = database.connect()
        zone, _ = connection.query("SELECT timezone()", "TabSeparatedRaw")
        connection.close()
        self._timezone = zone.decode().strip()

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        if self._housekeeping is None:
            self._housekeeping = asyncio.create_task(self._end_old_sessions())
        answer = Answer(send, scope["method"] == "HEAD", "", self._timezone)
        try:
            request = from_scope(scope)
            answer = Answer(send, request.method == "HEAD", request.query_id, self._timezone)
            await self._serve(request, receive, send, answer)
        except EngineError as error:
            if answer.begun:
                _log.warning("answer cut short: %s", error.text)
                raise
            await answer.fail(error)
        except ClientGone:
            pass
        except Exception:
            _log.exception("request failed")
            if answer.begun:
                raise
            await answer.fail(EngineError(STD_EXCEPTION, "Internal error of the engine."))

    async def _serve(self, request: Request, receive: Receive, send: Send, answer: Answer) -> None:
        if request.path in ("/ping", "/replicas_status"):
            await answer.plain("Ok.\n" if request.path == "/ping" else "Ok.")
            return
        if request.path not in ("/", "/query"):
            raise EngineError(NOT_IMPLEMENTED, f"There is no handle {request.path[:100]}", status=404)
        if request.method in ("GET", "HEAD") and not request.query:
            await answer.plain("Ok.\n")
            return
        if request.method not in ("GET", "HEAD", "POST"):
            raise EngineError(NOT_IMPLEMENTED, "Use GET or POST.", status=405)
        account = self._accounts.authenticate(request.headers, request.params)
        if request.flag("compress") or request.flag("decompress"):
            raise EngineError(
                NOT_IMPLEMENTED,
                "Native block compression (compress=1, decompress=1) is not supported; use "
                "enable_http_compression=1 with Accept-Encoding, and Content-Encoding.",
            )
        body = Body(self._spool, self._settings.spool_memory_bytes, self._settings.max_body_bytes)
        try:
            await _receive_body(receive, body)
            await self._with_session(request, account, body, receive, answer)
        finally:
            body.close()

    async def _with_session(
        self, request: Request, account: Account, body: Body, receive: Receive, answer: Answer
    ) -> None:
        session_id = request.params.get("session_id", "")
        if not session_id:
            await self._with_slot(request, account, body, None, receive, answer)
            return
        seconds = request.session_seconds(self._settings.session_seconds, self._settings.max_session_seconds)
        with self._sessions.use(
            account.name,
            session_id,
            seconds,
            must_exist=request.flag("session_check"),
            close=request.flag("close_session"),
        ) as session:
            await self._with_slot(request, account, body, session, receive, answer)

    async def _with_slot(
        self,
        request: Request,
        account: Account,
        body: Body,
        session: Session | None,
        receive: Receive,
        answer: Answer,
    ) -> None:
        encoding = request.headers.get("content-encoding", "").strip().lower()
        fields: dict[str, str] = {}
        tables: list[ExternalTable] = []
        content_type = request.headers.get("content-type", "")
        source: Callable[[], Any] = lambda: body.reader(encoding)  # noqa: E731
        if content_type.lower().startswith("multipart/form-data"):
            content = body.reader(encoding).read_all()
            fields, tables = read_multipart(content_type, content, request.params)
            request = Request(request.method, request.path, {**request.params, **fields}, request.headers)
            empty = Body(self._spool, 0, 0)
            source = lambda: empty.reader("")  # noqa: E731
        urgent = request.query.lstrip()[:4].upper() == "KILL" or body.begins_with(b"KILL")
        async with contextlib.AsyncExitStack() as stack:
            if account.project:
                await stack.enter_async_context(self._slots_of(account).hold())
            if not urgent:
                await stack.enter_async_context(self._slots.hold())
            query_id = answer.query_id
            tag = self._query_ids.start(query_id, request.params.get("log_comment", ""))
            try:
                pipe = ResultPipe()
                job = Job(request, account, source, query_id, tag, session, pipe.write_end, tables)
                await self._run(job, pipe, receive, answer)
            finally:
                self._query_ids.end(query_id)

    def _slots_of(self, account: Account) -> Slots:
        """The places of one reader of one project: a few of the engine's, so that none takes them all."""
        settings = self._settings
        if account.name not in self._reader_slots:
            self._reader_slots[account.name] = Slots(
                settings.reader_running, settings.max_waiting // 4, settings.queue_seconds
            )
        return self._reader_slots[account.name]

    async def _run(self, job: Job, pipe: ResultPipe, receive: Receive, answer: Answer) -> None:
        """Run the job in a thread, pass its result on, and end it if the client goes away."""
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._threads, self._executor.run, job)
        relay = asyncio.create_task(self._relay(job, pipe, work, answer))
        gone = asyncio.create_task(_client_gone(receive))
        try:
            await asyncio.wait((relay, gone), return_when=asyncio.FIRST_COMPLETED)
            if not relay.done():
                relay.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await relay
                raise ClientGone
            relay.result()
        finally:
            gone.cancel()
            pipe.close()
            await self._make_sure_it_ends(job, work)

    async def _make_sure_it_ends(self, job: Job, work: asyncio.Future[Result]) -> None:
        """A query nobody waits for is killed; its place is free only when it has really ended."""
        loop = asyncio.get_running_loop()
        while not work.done():
            await loop.run_in_executor(self._control, self._killer.kill, job.tag)
            await asyncio.wait((work,), timeout=_KILL_AGAIN_SECONDS)
        if not work.cancelled():
            work.exception()  # seen, so that asyncio does not report it as forgotten

    async def _relay(self, job: Job, pipe: ResultPipe, work: asyncio.Future[Result], answer: Answer) -> None:
        accept = job.request.headers.get("accept-encoding", "")
        if not job.request.flag("enable_http_compression"):
            accept = ""
        settings = self._settings
        if job.request.flag("wait_end_of_query"):
            held, complete = await pipe.hold(settings.hold_whole_bytes, None)
        else:
            held, complete = await pipe.hold(settings.hold_bytes, settings.hold_seconds)
        if not complete:
            await answer.begin(job.output_format, accept, await self._so_far(job, work))
            await answer.write(held)
            while piece := await pipe.read():
                await answer.write(piece)
        try:
            result = await work
        except EngineError as error:
            if not answer.begun:
                raise
            await answer.end(error)
            return
        if answer.begun:
            await answer.end()
        else:
            await answer.whole(result.data or held, job.output_format, accept, result.statistics)

    async def _so_far(self, job: Job, work: asyncio.Future[Result]) -> Statistics | None:
        """What a query whose answer begins has read; None for one that has just ended, or was never found."""
        if work.done():
            return None if work.cancelled() or work.exception() else work.result().statistics
        loop = asyncio.get_running_loop()
        with contextlib.suppress(EngineError):
            return await loop.run_in_executor(self._control, self._killer.read_so_far, job.tag)
        return None

    async def _end_old_sessions(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(1.0)
            for connection in self._sessions.expired():
                await loop.run_in_executor(self._threads, connection.close)

    async def close(self) -> None:
        """Wait for the threads and close the sessions. Call it when no request is running."""
        if self._housekeeping is not None:
            self._housekeeping.cancel()
        await asyncio.to_thread(self._threads.shutdown)
        await asyncio.to_thread(self._control.shutdown)
        for connection in self._sessions.end_all():
            await asyncio.to_thread(connection.close)


async def _receive_body(receive: Receive, body: Body) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk = message.get("body", b"")
        if chunk:
            body.write(chunk)
        if not message.get("more_body", False):
            return


async def _client_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
