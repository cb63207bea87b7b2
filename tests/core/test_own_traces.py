"""Tracestore's own spans: what is recorded, what never is, and that looking at itself does not feed itself."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tracestore import keys, own_traces, worker_metrics
from tracestore.models import ApiKey, Project
from tracestore.own_traces import JOB_SECONDS, MOST_A_SECOND, MOST_WAITING, Note, Recorder


class Sent:
    """A front door that keeps what comes, or is closed."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.closed = False

    def __call__(self, body: bytes) -> None:
        if self.closed:
            raise ConnectionRefusedError("closed")
        self.bodies.append(body)

    @property
    def spans(self) -> list[Any]:
        return [
            span
            for body in self.bodies
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Own traces are on, and sent when the test says so."""
    made = Sent()
    monkeypatch.setattr(settings, "ENVIRONMENT", replace(settings.ENVIRONMENT, own_traces=True))
    monkeypatch.setattr(own_traces, "_recorders", {})
    monkeypatch.setattr(own_traces, "post", made)
    monkeypatch.setattr(Recorder, "_run", lambda self: None)
    return made


def flush() -> int:
    return sum(recorder.flush() for recorder in own_traces._recorders.values())


def counted(outcome: str) -> float:
    return float(own_traces.SPANS.labels(outcome)._value.get())


def a_note() -> Note:
    return Note("x", own_traces.SERVER, 1, 2)


@pytest.mark.django_db
def test_a_request_of_web_is_a_span_of_its_route(door: Sent) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    Client().get("/traces/?q=secret", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    Client().get("/healthz")
    assert flush() == 1
    (span,) = door.spans
    assert (span.name, span.trace_id.hex()) == ("GET /traces/", trace)
    assert {one.key for one in span.attributes} == {"http.request.method", "http.route", "http.response.status_code"}
    assert b"secret" not in door.bodies[0]
    assert 0 < span.end_time_unix_nano - span.start_time_unix_nano < 10**11
    assert abs(span.end_time_unix_nano - time.time_ns()) < 60 * 10**9


def test_an_export_is_a_span_but_for_those_of_this_project(door: Sent) -> None:
    with own_traces.export("http", "traces", "shop"):
        pass
    with pytest.raises(OSError, match="full"), own_traces.export("grpc", "logs", "shop"):
        raise OSError("full")
    for _ in range(100):
        with own_traces.export("http", "traces", own_traces.PROJECT):
            pass
    assert flush() == 2
    assert [(span.name, span.status.code) for span in door.spans] == [("export traces", 0), ("export logs", 2)]


def test_while_nothing_happens_nothing_more_is_sent(door: Sent) -> None:
    """Each batch comes in by the front door again, as an export of this project: that makes no further one."""
    with own_traces.export("http", "traces", "shop"):
        pass
    sent = []
    for _ in range(20):
        before = len(door.bodies)
        sent.append(flush())
        for _ in door.bodies[before:]:
            with own_traces.export("http", "traces", own_traces.PROJECT):
                own_traces.job("settle", 0.01, failed=False)  # the worker settles what came in
    assert sent == [1] + [0] * 19


def test_jobs_that_take_long_or_fail_are_spans(door: Sent) -> None:
    class Task:
        name = "tracestore.settle"

    for state, seconds in (("SUCCESS", 0.0), ("SUCCESS", JOB_SECONDS), ("FAILURE", 0.0)):
        worker_metrics._began["1"] = time.perf_counter() - seconds
        worker_metrics.ended("1", Task(), state)
    assert flush() == 2
    assert [(span.name, span.status.code) for span in door.spans] == [("job settle", 0), ("job settle", 2)]


def test_no_process_records_more_than_so_many_a_second() -> None:
    now, door = [0.0], Sent()
    recorder = Recorder("x", door, lambda: now[0])
    dropped = counted("dropped")
    assert sum(recorder.take(a_note(), start=False) for _ in range(500)) == MOST_A_SECOND
    assert counted("dropped") - dropped == 500 - MOST_A_SECOND
    for second in range(1, 100):
        now[0] = float(second)
        for _ in range(MOST_A_SECOND):
            recorder.take(a_note(), start=False)
    assert recorder.flush() == MOST_WAITING


def test_what_cannot_be_sent_is_dropped_and_counted() -> None:
    door = Sent()
    recorder, failed = Recorder("x", door, lambda: 0.0), counted("failed")
    door.closed = True
    recorder.take(a_note(), start=False)
    assert recorder.flush() == 0
    assert counted("failed") - failed == 1
    door.closed = False
    assert recorder.flush() == 0


def test_off_it_costs_nothing(door: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ENVIRONMENT", replace(settings.ENVIRONMENT, own_traces=False))
    own_traces.note("web", "x", own_traces.SERVER, 0.1, attributes={})
    assert own_traces._recorders == {}


@pytest.mark.django_db
def test_the_project_and_its_key_are_made_once_and_only_where_it_is_on(
    door: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_traces.prepare()
    own_traces.prepare()
    key = own_traces.key(settings.SECRET_KEY)
    found = keys.identify(key)
    assert found is not None
    assert (found.project, found.scopes) == (own_traces.PROJECT, {"ingest"})
    assert settings.SECRET_KEY not in key
    ApiKey.objects.all().delete()
    Project.objects.all().delete()
    keys._cache.clear()
    monkeypatch.setattr(settings, "ENVIRONMENT", replace(settings.ENVIRONMENT, own_traces=False))
    own_traces.prepare()
    assert not Project.objects.exists()
