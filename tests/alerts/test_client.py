"""The brake that agents carry, against a server on loopback that judges, warns, dawdles, fails or is not there."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import pickle
import shutil
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from tests.ports import free_port
from tracestore.client import Brake, Halted, Verdict, brake, watch

ROOT = Path(__file__).resolve().parents[2]
TRACE = "0af7651916cd43dd8448eb211c80319c"
HALT = {"verdict": "halt", "reasons": ["loop: search called 9 times"], "cost_usd": 1.25, "steps": 9}
WARN = {"verdict": "warn", "reasons": ["budget: 80 % of $5 spent"], "cost_usd": 4.0, "steps": 3}


class Server(ThreadingHTTPServer):
    """Answers what `answers` says for a subject's value; keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.answers: dict[str, Any] = {}
        self.status, self.body, self.headers = 200, b"", dict[str, str]()
        #: The server answers when it is set.
        self.go = threading.Event()
        self.go.set()
        self.asked: list[tuple[str, dict[str, str], Any]] = []
        self.streamed: list[str] = []
        self.connections = 0

    def values(self) -> list[str]:
        return [value for _, query, _ in self.asked for value in query.values()]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(split.query).items()}
        self.server.asked.append((split.path, query, self.headers))
        self.server.go.wait(20)
        if split.path.endswith("/stream"):
            return self.stream()
        known = next((self.server.answers[one] for one in reversed(query.values()) if one in self.server.answers), {})
        body = (
            self.server.body or json.dumps({"verdict": "continue", "reasons": [], "cost_usd": None, **known}).encode()
        )
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None

    def stream(self) -> None:
        self.close_connection = True
        self.send_response(200 if self.server.streamed else 404)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for line in self.server.streamed:
            self.wfile.write(line.encode())
            self.wfile.flush()
        while self.server.streamed and not self.server.go.wait(0.01):
            pass

    def log_message(self, *_: Any) -> None:
        """Nobody reads the access log of a test."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield running
        running.go.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def forward(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the brake's clock forward."""
    offset = 0.0

    def move(seconds: float) -> None:
        nonlocal offset
        offset += seconds

    clock = types.SimpleNamespace(monotonic=lambda: time.monotonic() + offset)
    monkeypatch.setattr(brake, "time", clock)
    return move


def until(condition: Callable[[], Any], limit: float = 10) -> None:
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


# An answer in time, however busy the machine is: tests of slowness give their own.
def made(server: Server, **options: Any) -> Brake:
    return Brake(server.url, "key", **{"timeout": 10.0, **options})


def test_it_asks_by_the_api_and_tells_the_verdict(server: Server) -> None:
    server.answers[TRACE] = HALT
    assert made(server).check(trace_id=TRACE) == Verdict("halt", ["loop: search called 9 times"], 1.25, 9)
    ((path, query, headers),) = server.asked
    assert (path, query) == ("/api/v1/verdict/", {"trace_id": TRACE})
    assert headers["authorization"] == "Bearer key"
    assert made(server).check(trace_id="b" * 32) == Verdict("continue")


def test_address_and_key_come_from_the_environment(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACESTORE_URL", f"{server.url}/under/")
    monkeypatch.setenv("TRACESTORE_API_KEY", "from the environment")
    assert Brake(timeout=10, project="shop").check(agent="a b&c").judged
    ((path, query, headers),) = server.asked
    assert (path, query) == ("/under/api/v1/verdict/", {"agent": "a b&c", "project": "shop"})
    assert headers["authorization"] == "Bearer from the environment"
    monkeypatch.delenv("TRACESTORE_URL")
    monkeypatch.delenv("TRACESTORE_API_KEY")
    assert Brake().url.netloc == "localhost:8000"
    assert Brake().headers == {}


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host", "file:///etc/passwd", "http://", "http://a:x"])
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match=r"Expected http|Port could not be cast"):
        Brake(url)


def test_a_key_is_never_in_an_error(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """http.client says the whole value of a header that it refuses."""
    assert Brake(server.url, "from a file\n", timeout=10).check(trace_id=TRACE).judged
    for key in ("two\nlines", "schlüssel", "\x00nul"):
        with pytest.raises(ValueError, match="characters that no key has") as refused:
            Brake(server.url, key)
        assert key not in str(refused.value)
    assert not caplog.records


def test_the_strictest_of_what_is_named_counts(server: Server) -> None:
    server.answers |= {"s-1": WARN, "desk": HALT}
    asked = made(server)
    assert asked.check(TRACE, "s-1").verdict == "warn"
    assert asked.check(TRACE, "s-1", "desk").verdict == "halt"
    # What was fresh was not asked again.
    assert sorted(server.values()) == sorted([TRACE, "s-1", "desk"])


def test_a_tool_is_asked_about_for_itself(server: Server) -> None:
    server.answers["search_kb"] = HALT  # its breaker is open
    asked = made(server)
    assert asked.check(trace_id=TRACE).verdict == "continue"
    assert asked.check(trace_id=TRACE, tool="read_page").verdict == "continue"
    with pytest.raises(Halted):
        asked.stop_if_halted(trace_id=TRACE, tool="search_kb")
    assert [query.get("tool", "") for _, query, _ in server.asked] == ["", "read_page", "search_kb"]


def test_a_halt_before_a_tool_has_the_run_asked_about_anew(server: Server) -> None:
    """CrewAI blocks the tool and goes on: its next model call must not be let through by an answer from before."""
    asked = made(server, min_interval=60)
    assert asked.check(trace_id=TRACE).verdict == "continue"
    server.answers[TRACE] = HALT
    assert asked.check(trace_id=TRACE).verdict == "continue"
    assert asked.check(trace_id=TRACE, tool="search_kb").halted
    assert asked.check(trace_id=TRACE).halted
    assert len(server.asked) == 3


def test_an_answer_is_used_again_for_a_while(server: Server, forward: Callable[[float], None]) -> None:
    asked = made(server, min_interval=1.0)
    for _ in range(50):
        assert asked.check(trace_id=TRACE).judged
    assert len(server.asked) == 1
    forward(1.1)
    server.answers[TRACE] = HALT
    assert asked.check(trace_id=TRACE).halted
    assert len(server.asked) == 2


def test_connections_are_kept_and_a_closed_one_is_replaced(server: Server) -> None:
    asked = made(server, min_interval=0)
    for _ in range(5):
        assert asked.check(trace_id=TRACE).judged
    assert server.connections == 1
    # As a server does that has waited long enough.
    asked._idle[0].sock.shutdown(2)
    assert asked.check(trace_id=TRACE).judged
    assert (server.connections, len(server.asked)) == (2, 6)


def test_guard_and_decorator_stop_before_the_step(server: Server) -> None:
    asked, steps = made(server), []

    @asked.guarded(agent="desk")
    def step(number: int) -> int:
        """A step."""
        steps.append(number)
        return number

    @asked.guarded
    def anonymous() -> None:
        steps.append(-1)

    assert (step(1), step.__name__, step.__doc__) == (1, "step", "A step.")
    anonymous()  # without a span there is nothing to ask about
    with asked.guard(trace_id=TRACE) as verdict:
        assert verdict.verdict == "continue"
    server.answers |= {"desk": HALT, TRACE: HALT}
    asked = made(server)
    with pytest.raises(Halted, match="loop: search called 9 times") as halted:
        asked.guarded(step, agent="desk")(2)
    assert (halted.value.verdict.cost_usd, halted.value.verdict.steps) == (1.25, 9)
    with pytest.raises(Halted), asked.guard(trace_id=TRACE):
        steps.append(3)
    assert steps == [1, -1]
    again = pickle.loads(pickle.dumps(halted.value))
    assert (str(again), again.verdict) == (str(halted.value), halted.value.verdict)


def test_asyncio_goes_on_while_it_asks(server: Server) -> None:
    server.answers["desk"] = HALT
    server.go.clear()
    asked, ticks = made(server), 0

    @asked.guarded(agent="desk")
    async def step() -> None:
        raise AssertionError("this step must not begin")

    async def tick() -> None:
        nonlocal ticks
        while ticks < 5:
            ticks += 1
            await asyncio.sleep(0)
        server.go.set()

    async def both() -> None:
        ticking = asyncio.create_task(tick())
        with pytest.raises(Halted):
            await step()
        await ticking
        with pytest.raises(Halted):
            async with asked.guard(agent="desk"):
                raise AssertionError("nor this one")
        assert (await asked.acheck(agent="other")).judged

    asyncio.run(both())
    assert ticks == 5


def test_the_current_span_tells_the_trace(server: Server) -> None:
    asked = made(server)
    with TracerProvider().get_tracer("t").start_as_current_span("run") as span:
        trace_id = f"{span.get_span_context().trace_id:032x}"
        server.answers[trace_id] = HALT
        assert asked.check().halted
        assert asyncio.run(asked.acheck()).halted
        assert asked.check(trace_id=TRACE).verdict == "continue"  # who names one means that one
    assert server.values() == [trace_id, TRACE]
    assert trace.get_current_span().get_span_context().is_valid is False
    nothing = asked.check()
    assert (nothing.verdict, nothing.judged) == ("continue", False)
    assert "no span is current" in nothing.reasons[0]


def test_warnings_are_told_once_each(server: Server, forward: Callable[[float], None]) -> None:
    told: list[Verdict] = []

    def on_warn(verdict: Verdict) -> None:
        told.append(verdict)
        raise RuntimeError("what is told to, breaks")

    asked = made(server, on_warn=on_warn)
    server.answers[TRACE] = WARN
    for _ in range(3):
        assert asked.check(trace_id=TRACE).verdict == "warn"
        forward(2)
    assert [one.reasons for one in told] == [WARN["reasons"]]
    server.answers[TRACE] = {**WARN, "reasons": ["budget: 95 % of $5 spent"]}
    asked.check(trace_id=TRACE)
    forward(2)
    server.answers[TRACE] = HALT
    assert asked.check(trace_id=TRACE).halted
    assert len(told) == 2


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (500, b"{}", "it answered 500"),
        (401, b'{"detail": "no key"}', "it answered 401"),
        (429, b"", "it answered 429"),
        (302, b"", "it answered 302"),
        (200, b"<html>a proxy's page</html>", "did not answer with a verdict"),
        (200, b'{"verdict": "perhaps"}', "did not answer with a verdict"),
        (200, b'["halt"]', "did not answer with a verdict"),
        (200, b"\xff\xfe", "did not answer with a verdict"),
        (200, b'{"verdict": ["halt"]}', "did not answer with a verdict"),
    ],
)
def test_what_is_no_verdict_stops_nobody(
    server: Server, status: int, body: bytes, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    server.status, server.body = status, body
    # A redirect that was followed would be a second question, with the key.
    server.headers = {"location": f"{server.url}/elsewhere"} if status == 302 else {}
    with caplog.at_level(logging.WARNING, "tracestore.client"):
        open_, closed = made(server).check(trace_id=TRACE), made(server, fail_closed=True).check(trace_id=TRACE)
    assert (open_.verdict, open_.judged, closed.verdict, closed.judged) == ("continue", False, "halt", False)
    assert why.lower() in open_.reasons[0].lower()
    assert len(server.asked) == len(caplog.records) == 2
    assert "key" not in caplog.text


def test_strange_fields_of_a_verdict_are_ignored(server: Server) -> None:
    server.body = b'{"verdict": "warn", "reasons": "none", "cost_usd": "much", "steps": null, "more": 1}'
    assert made(server).check(trace_id=TRACE) == Verdict("warn")


def test_after_three_failures_nobody_is_asked_for_a_while_that_grows(
    server: Server, forward: Callable[[float], None]
) -> None:
    server.status = 503
    asked = made(server, fail_closed=False)
    for _ in range(20):
        assert not asked.check(trace_id=TRACE).judged
    assert len(server.asked) == 3
    pauses, expected = [], 3
    for pause in (10, 20, 40, 80, 160, 160):
        forward(pause - 1)
        asked.check(trace_id=TRACE)
        assert len(server.asked) == expected  # not yet
        forward(2)
        for _ in range(5):
            asked.check(trace_id=TRACE)
        expected += 1
        assert len(server.asked) == expected  # one try
        pauses.append(pause)
    server.status = 200
    forward(161)
    assert asked.check(trace_id=TRACE).judged
    server.status = 503
    forward(2)
    for _ in range(20):
        asked.check(trace_id=TRACE)
    assert len(server.asked) == expected + 4  # back, and three times away


def test_nobody_at_home(caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    asked = Brake(f"http://127.0.0.1:{port}", timeout=10)
    with caplog.at_level(logging.WARNING, "tracestore.client"):
        for _ in range(30):
            verdict = asked.check(trace_id=TRACE)
            assert (verdict.verdict, verdict.judged) == ("continue", False)
    assert len(caplog.records) == 1  # said once, not at each step
    asked.fail_closed = True
    with pytest.raises(Halted, match="does not judge"):
        asked.stop_if_halted(trace_id=TRACE)


def test_a_server_that_does_not_answer_costs_three_waits_and_not_one_each_step(server: Server) -> None:
    server.go.clear()
    asked = made(server, timeout=0.05)
    started = time.monotonic()
    # Each of its own: a question that is under way already is not waited for again.
    verdicts = [asked.check(trace_id=f"{number:032x}") for number in range(200)]
    assert {(one.verdict, one.judged) for one in verdicts} == {("continue", False)}
    assert "no answer within 0.05 s" in verdicts[0].reasons[0]
    until(lambda: len(server.asked) == 3)
    assert time.monotonic() - started < 5  # 200 waits would be 10 s


def test_a_question_under_way_is_waited_for_once(server: Server) -> None:
    server.go.clear()
    asked = made(server, timeout=0.3)
    asked.check(trace_id=TRACE)
    started = time.monotonic()
    for _ in range(100):
        assert not asked.check(trace_id=TRACE).judged
    assert time.monotonic() - started < 5  # 100 waits would be 30 s
    assert len(server.asked) == 1


def test_an_answer_that_comes_late_counts_for_the_next_step(server: Server) -> None:
    server.answers[TRACE] = HALT
    server.go.clear()
    asked = made(server, timeout=0.05, min_interval=60)
    assert asked.check(trace_id=TRACE).verdict == "continue"
    server.go.set()
    until(lambda: asked.check(trace_id=TRACE).halted)
    assert asked.check(trace_id=TRACE).judged
    assert len(server.asked) == 1


def test_who_always_answers_late_is_as_good_as_away(server: Server, forward: Callable[[float], None]) -> None:
    asked = made(server, timeout=0.02)
    for _ in range(3):
        server.go.clear()
        assert not asked.check(trace_id=TRACE).judged
        server.go.set()
        until(lambda: asked._known["trace_id", TRACE, ""].question is None)
        forward(2)
    asked.check(trace_id=TRACE)
    assert len(server.asked) == 3


def test_a_halt_holds_while_the_server_is_away(server: Server, forward: Callable[[float], None]) -> None:
    server.answers[TRACE] = HALT
    asked = made(server)
    assert asked.check(trace_id=TRACE).halted
    server.status = 503
    for _ in range(29):
        forward(10)
        assert asked.check(trace_id=TRACE).halted
    forward(20)
    assert asked.check(trace_id=TRACE).verdict == "continue"
    server.status, server.answers[TRACE] = 200, {}
    forward(161)
    assert asked.check(trace_id=TRACE) == Verdict("continue")


def test_many_threads_ask_one_question(server: Server) -> None:
    server.answers[TRACE] = HALT
    server.go.clear()
    asked, found, ready = made(server), [], threading.Barrier(33)

    def step() -> None:
        ready.wait()
        found.append(asked.check(trace_id=TRACE).verdict)

    threads = [threading.Thread(target=step) for _ in range(32)]
    for one in threads:
        one.start()
    ready.wait()
    until(lambda: server.asked)
    server.go.set()
    for one in threads:
        one.join()
    assert found == ["halt"] * 32
    assert len(server.asked) == 1


def test_answers_of_many_runs_do_not_pile_up(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brake, "MOST_KEPT", 8)
    asked = made(server)
    for number in range(30):
        asked.check(trace_id=f"{number:032x}")
    assert len(asked._known) == 8


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_asks_by_connections_of_its_own(server: Server) -> None:
    asked = made(server, min_interval=0)
    assert asked.check(trace_id=TRACE).judged
    server.answers[TRACE] = HALT
    asked._lock.acquire()  # as another thread might hold it just then
    child = os.fork()
    if child == 0:
        os._exit(0 if asked.check(trace_id=TRACE).halted else 1)
    asked._lock.release()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert server.connections == 2
    assert asked.check(trace_id=TRACE).halted
    assert server.connections == 2


def test_its_own_faults_stop_nobody(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", broken)
    assert made(server).check(trace_id=TRACE).verdict == "continue"
    assert made(server, fail_closed=True).check(trace_id=TRACE).verdict == "halt"


def test_a_watch_is_told_and_then_nobody_need_ask(server: Server) -> None:
    server.go.clear()
    server.streamed = [
        ": hello\n\n",
        'event: verdict\ndata: {"verdict": "continue"}\n\n',
        f"event: verdict\ndata: {json.dumps(HALT)}\n\n",
        ": still here\n\n",
    ]
    halted: list[Verdict] = []
    asked = made(server)
    server.go.set()  # to answer the request; the stream then stays open until it is set again
    with watch(asked, trace_id=TRACE, on_halt=halted.append) as watching:
        until(lambda: watching.verdict is not None and watching.verdict.halted)
        assert asked.check(trace_id=TRACE).halted
    watching._thread.join(10)
    assert not watching._thread.is_alive()
    assert [one.steps for one in halted][:1] == [9]
    assert {path for path, _, _ in server.asked} == {"/api/v1/verdict/stream"}


def test_a_watch_gives_up_where_there_is_no_stream(server: Server) -> None:
    watching = watch(made(server), agent="desk")
    watching._thread.join(10)
    assert not watching._thread.is_alive()
    assert len(server.asked) == 1
    with pytest.raises(ValueError, match="Expected one of"):
        watch(made(server), agent="desk", trace_id=TRACE)


ALONE = """
import sys
sys.path.insert(0, {where!r})
import brake
asked = brake.Brake("http://127.0.0.1:{port}", timeout=10)
print(asked.check(trace_id="{trace}"))
print(sorted(name for name in sys.modules if name.split(".")[0] in ("django", "tracestore", "opentelemetry", "celery")))
print(sorted({{name.split(".")[0] for name in sys.modules}} - set(sys.stdlib_module_names) - {{"brake", "__main__"}}))
"""


def test_the_file_works_alone(server: Server, tmp_path: Path) -> None:
    """Copied, by an interpreter that sees nothing but its standard library."""
    shutil.copy(ROOT / "tracestore" / "client" / "brake.py", tmp_path)
    server.answers[TRACE] = HALT
    program = ALONE.format(where=str(tmp_path), port=server.server_port, trace=TRACE)
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-W", "error", "-c", program], capture_output=True, text=True, timeout=60
    )
    assert ended.stderr == ""
    verdict, ours, others = ended.stdout.splitlines()
    assert verdict.startswith("Verdict(verdict='halt', reasons=['loop: search called 9 times']")
    assert (ours, others) == ("[]", "[]")


def test_the_package_brings_nothing_along() -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import tracestore.client;"
        "print(sorted({name.split('.')[0] for name in sys.modules} - set(sys.stdlib_module_names) - {'__main__'}),"
        "sorted(name for name in sys.modules if name.startswith('tracestore')))"
    )
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    ours = ["tracestore", "tracestore.client", "tracestore.client.brake", "tracestore.client.stream"]
    assert ended.stdout == f"['tracestore'] {ours}\n"
