"""Tracestore's own work as spans of project `tracestore`: requests of web and ingest, jobs of the worker.

Off unless `TRACESTORE_OWN_TRACES` is set. Sent through our own front door (OTLP/HTTP) by a thread of each process. What
is recorded costs an append; nothing here waits or raises, and what cannot be sent is dropped and counted.

No loop: an export that comes in for this project makes no span, whoever sends it; quick jobs that did no harm make
none either; and no process records more than MOST_A_SECOND, whatever happens.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import structlog
from django.conf import settings
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from prometheus_client import Counter

from tracestore.environment import reachable, url_host

log = structlog.get_logger(__name__)

PROJECT: Final = "tracestore"
SCOPE: Final = "tracestore.own_traces"
MOST_A_SECOND: Final = 20
#: Spans that wait to be sent; a batch is sent this often.
MOST_WAITING: Final = 1000
EVERY_SECONDS: Final = 5.0
TIMEOUT_SECONDS: Final = 5.0
#: A job that ends well before this is not worth a span: most find nothing to do, each second.
JOB_SECONDS: Final = 1.0
SERVER: Final = SpanMessage.SpanKind.SPAN_KIND_SERVER
CONSUMER: Final = SpanMessage.SpanKind.SPAN_KIND_CONSUMER

#: In no registry by itself: each process shows it in its own.
SPANS: Final = Counter(
    "tracestore_own_spans", "Spans of Tracestore itself, by what became of them.", ["outcome"], registry=None
)

Value = str | int
Post = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Note:
    """A span to be. `trace_id`: 32 hex digits, '' for one of its own."""

    name: str
    kind: SpanMessage.SpanKind.ValueType
    began_ns: int
    ended_ns: int
    failed: bool = False
    trace_id: str = ""
    attributes: dict[str, Value] = field(default_factory=dict)


class Recorder:
    """Takes notes and sends them, by a thread that begins with the first one."""

    def __init__(self, service: str, post: Post, clock: Callable[[], float] = time.monotonic) -> None:
        self._service, self._post, self._clock = service, post, clock
        self._waiting: deque[Note] = deque()
        self._lock = threading.Lock()
        self._second, self._in_second = -1, 0
        self._thread: threading.Thread | None = None

    def take(self, note: Note, *, start: bool = True) -> bool:
        """Whether it will be sent."""
        second = int(self._clock())
        with self._lock:
            if second != self._second:
                self._second, self._in_second = second, 0
            self._in_second += 1
            taken = self._in_second <= MOST_A_SECOND and len(self._waiting) < MOST_WAITING
            if taken:
                self._waiting.append(note)
            if start and self._thread is None:
                self._thread = threading.Thread(target=self._run, name="own traces", daemon=True)
                self._thread.start()
        if not taken:
            SPANS.labels("dropped").inc()
        return taken

    def flush(self) -> int:
        """Sends what waits, and says how many. What is not taken is dropped: these spans are nobody's data."""
        with self._lock:
            notes, self._waiting = list(self._waiting), deque()
        if not notes:
            return 0
        try:
            self._post(request(self._service, notes).SerializeToString())
        except Exception as error:
            SPANS.labels("failed").inc(len(notes))
            log.debug("own traces could not be sent", spans=len(notes), reason=str(error)[:200])
            return 0
        SPANS.labels("sent").inc(len(notes))
        return len(notes)

    def _run(self) -> None:
        while True:
            time.sleep(EVERY_SECONDS)
            self.flush()


def request(service: str, notes: list[Note]) -> ExportTraceServiceRequest:
    """The notes as OTLP. Each is a span without a parent, in the trace that its caller named or one of its own."""
    made = ExportTraceServiceRequest()
    resource = made.resource_spans.add()
    attribute = resource.resource.attributes.add(key="service.name")
    attribute.value.string_value = service
    scope = resource.scope_spans.add()
    scope.scope.name = SCOPE
    for note in notes:
        span = scope.spans.add(
            trace_id=bytes.fromhex(note.trace_id) if note.trace_id else secrets.token_bytes(16),
            span_id=secrets.token_bytes(8), name=note.name, kind=note.kind,
            start_time_unix_nano=note.began_ns, end_time_unix_nano=note.ended_ns,
        )  # fmt: skip
        span.status.code = Status.StatusCode.STATUS_CODE_ERROR if note.failed else Status.StatusCode.STATUS_CODE_UNSET
        for name, value in note.attributes.items():
            one = span.attributes.add(key=name)
            if isinstance(value, int):
                one.value.int_value = value
            else:
                one.value.string_value = value
    return made


_recorders: dict[str, Recorder] = {}
_made = threading.Lock()


def note(
    process: str, name: str, kind: SpanMessage.SpanKind.ValueType, seconds: float, *, failed: bool = False,
    trace_id: str = "", attributes: dict[str, Value],
) -> None:  # fmt: skip
    """Something that has just ended after so many seconds. `process`: web, worker or ingest. Never raises."""
    if not settings.ENVIRONMENT.own_traces:
        return
    with _made:
        recorder = _recorders.get(process)
        if recorder is None:
            recorder = _recorders[process] = Recorder(f"tracestore-{process}", post)
    ended = time.time_ns()
    recorder.take(Note(name, kind, ended - int(seconds * 1e9), ended, failed, trace_id, attributes))


@contextmanager
def export(transport: str, signal: str, project: str) -> Iterator[None]:
    """The work on one export of a project's, but for this one's own."""
    began, failed = time.perf_counter(), True
    try:
        yield
        failed = False
    finally:
        if project != PROJECT:
            seconds = time.perf_counter() - began
            said: dict[str, Value] = {"tracestore.transport": transport, "tracestore.project": project}
            note("ingest", f"export {signal}", SERVER, seconds, failed=failed, attributes=said)


def job(name: str, seconds: float, *, failed: bool) -> None:
    """One run of a job."""
    if failed or seconds >= JOB_SECONDS:
        note("worker", f"job {name}", CONSUMER, seconds, failed=failed, attributes={"tracestore.job": name})


#: Past any proxy of the environment: ingest is a neighbour.
_opener: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def post(body: bytes) -> None:
    """Raises: OSError."""
    environment = settings.ENVIRONMENT
    base = environment.ingest_url or f"http://{url_host(reachable(environment.bind))}:{environment.otlp_http_port}"
    asked = urllib.request.Request(  # noqa: S310 (the operator's own address)
        f"{base}/v1/traces", data=body, method="POST",
        headers={"content-type": "application/x-protobuf", "x-api-key": key(settings.SECRET_KEY)},
    )  # fmt: skip
    with _opener.open(asked, timeout=TIMEOUT_SECONDS) as answer:
        answer.read()


@lru_cache(maxsize=2)
def key(secret_key: str) -> str:
    """The key of this project: made of the installation's secret, so that every process knows it and none stores it."""
    return "ts_own_" + hmac.new(secret_key.encode(), b"tracestore own traces", hashlib.sha256).hexdigest()


def prepare() -> None:
    """Makes the project and stores its key, where own traces are on."""
    from tracestore import keys
    from tracestore.models import ApiKey, Project

    if not settings.ENVIRONMENT.own_traces:
        return
    project, _ = Project.every.get_or_create(slug=PROJECT, defaults={"name": "Tracestore itself"})
    own = key(settings.SECRET_KEY)
    if not ApiKey.objects.filter(digest=keys.digest(own)).exists():
        keys.create(project, "own traces of Tracestore", ("ingest",), key=own)
