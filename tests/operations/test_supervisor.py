"""The supervisor, with children that are small enough to misbehave on demand."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.ports import free_port
from tracestore.environment import ROOT
from tracestore.supervisor import child as child_module
from tracestore.supervisor import instance, parent_death
from tracestore.supervisor.child import FIRST_PAUSE, LONGEST_PAUSE, RECOVERED_AFTER, Child, Spec
from tracestore.supervisor.child_log import ChildLog, is_worrying, printable, readable
from tracestore.supervisor.instance import CannotStart, Port
from tracestore.supervisor.loop import Supervisor


def spec(name: str, *words: str, rank: int = 0, ready: str | None = "ready", **others: float) -> Spec:
    return Spec(
        name,
        ("-m", "tests.operations.children", *words),
        stop_rank=rank,
        environ=dict(os.environ),
        ready_line=ready,
        **others,  # type: ignore[arg-type]
    )


class Said(list[str]):
    def __call__(self, text: str) -> None:
        self.append(text)

    def has(self, text: str) -> bool:
        return any(text in line for line in self)


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return tmp_path / "trace.txt"


@pytest.fixture
def supervisor(tmp_path: Path, said: Said) -> Iterator[Supervisor]:
    with Supervisor(tmp_path / "logs", ROOT, said) as running:
        yield running


def wait_for(what: Callable[[], object], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


def in_background(work: Callable[[], None]) -> threading.Thread:
    """For what an operator does meanwhile; the loop itself needs the main thread for its signals."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def ask_to_stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_a_killed_child_is_started_again_and_said_so(supervisor: Supervisor, said: Said, trace: Path) -> None:
    one = supervisor.launch(spec("one", "serve", str(trace), "one"))
    supervisor.await_ready([one])
    first = one.process.pid

    def operator() -> None:
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: said.has("one is running again."))
        ask_to_stop()

    thread = in_background(operator)
    supervisor.watch()
    thread.join()
    assert one.process.pid != first
    assert said.has("one ended (killed by SIGKILL); starting it again in 0.5 s.")
    supervisor.stop()
    assert trace.read_text().splitlines() == ["one started", "one started", "one stopped"]


def test_the_pauses_double_up_to_a_limit_and_start_over_after_health(tmp_path: Path) -> None:
    now = 1000.0
    child = Child(spec("x", "fail", "no"), ChildLog(tmp_path / "x.log"), ROOT, clock=lambda: now)
    child.process.wait()
    pauses = [child.ended() for _ in range(9)]
    assert pauses[:4] == [FIRST_PAUSE, 1.0, 2.0, 4.0]
    assert pauses[-1] == LONGEST_PAUSE
    now += RECOVERED_AFTER
    assert child.ended() == FIRST_PAUSE
    child.output.close()
    child.log.close()


def test_children_stop_by_rank(supervisor: Supervisor, trace: Path) -> None:
    started = [
        supervisor.launch(spec("engine", "serve", str(trace), "engine", rank=3)),
        supervisor.launch(spec("web", "serve", str(trace), "web", rank=2)),
        supervisor.launch(spec("ingest", "serve", str(trace), "ingest", "0.4", rank=1)),
    ]
    supervisor.await_ready(started)
    supervisor.stop()
    assert trace.read_text().splitlines()[3:] == ["ingest stopped", "web stopped", "engine stopped"]
    assert supervisor.children == []


def test_a_child_that_does_not_stop_is_killed(supervisor: Supervisor, said: Said) -> None:
    child = supervisor.launch(spec("mule", "stubborn", stop_seconds=0.3))
    supervisor.await_ready([child])
    began = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - began < 3
    assert said.has("mule did not stop in time")
    assert child.process.returncode == -signal.SIGKILL


def test_a_child_that_fails_while_starting_is_quoted(supervisor: Supervisor) -> None:
    child = supervisor.launch(spec("engine", "fail", "the disk is made of cheese"))
    with pytest.raises(CannotStart) as stopped:
        supervisor.await_ready([child])
    assert "engine ended while starting (exit code 7)" in str(stopped.value)
    assert "the disk is made of cheese" in str(stopped.value)
    assert "engine.log" in str(stopped.value)


def test_a_child_may_speak_for_itself(supervisor: Supervisor) -> None:
    child = supervisor.launch(spec("engine", "fail", "The directory is in use by process 12.", "3"))
    with pytest.raises(CannotStart) as stopped:
        supervisor.await_ready([child])
    assert str(stopped.value) == "The directory is in use by process 12."


def test_a_child_that_is_never_ready_is_not_waited_for_for_ever(supervisor: Supervisor) -> None:
    child = supervisor.launch(spec("web", "never_ready", ready_seconds=1.0))
    with pytest.raises(CannotStart, match="web was not ready within 1 s"):
        supervisor.await_ready([child])


def test_errors_are_shown_cleaned_and_everything_is_logged(supervisor: Supervisor, said: Said) -> None:
    child = supervisor.launch(spec("ingest", "chatter", ready="never"))

    def operator() -> None:
        wait_for(lambda: said.has("disk full"))
        ask_to_stop()

    thread = in_background(operator)
    supervisor.watch()
    thread.join()
    assert said == ["ingest: disk full (path=a·[31mb)"]
    assert "line 1999" in child.log.path.read_text()


@pytest.mark.parametrize("kernel", [True, False])
def test_children_die_with_a_killed_supervisor(tmp_path: Path, kernel: bool) -> None:
    if kernel and not parent_death.kernel_kills_orphans():
        pytest.skip("this kernel does not offer it")
    program = (
        "" if kernel else "import tracestore.supervisor.parent_death as p; p.kernel_kills_orphans = lambda: False; "
    )
    program += "import sys; from tests.operations.children import supervise; supervise(*sys.argv[1:])"
    words = [sys.executable, "-c", program, str(tmp_path / "trace"), str(tmp_path / "logs")]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as supervising:
        assert supervising.stdout is not None
        pid = int(supervising.stdout.readline().split()[1])
        assert psutil.pid_exists(pid)
        supervising.kill()
    wait_for(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, 5)


def test_a_second_start_is_refused_in_one_sentence(tmp_path: Path) -> None:
    held = instance.lock(tmp_path)
    with pytest.raises(CannotStart) as stopped:
        instance.lock(tmp_path)
    assert str(tmp_path) in str(stopped.value)
    assert str(os.getpid()) in str(stopped.value)
    assert "\n" not in str(stopped.value)
    held.close()
    instance.lock(tmp_path).close()


def test_taken_ports_are_named_with_their_variables() -> None:
    import socket

    free = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        ports = [Port("127.0.0.1", number, "TRACESTORE_WEB_PORT", "web"), Port("127.0.0.1", free, "B", "other")]
        with pytest.raises(CannotStart) as stopped:
            instance.check_ports(ports)
    assert f"Port {number} on 127.0.0.1 (web) is in use" in str(stopped.value)
    assert "TRACESTORE_WEB_PORT" in str(stopped.value)
    assert str(free) not in str(stopped.value)
    instance.check_ports(ports)


def test_one_port_for_two_purposes_is_refused() -> None:
    port = free_port()
    with pytest.raises(CannotStart, match="A and B are both"):
        instance.check_ports([Port("127.0.0.1", port, "A", "a"), Port("127.0.0.1", port, "B", "b")])


def test_an_address_of_another_machine_cannot_be_bound() -> None:
    with pytest.raises(CannotStart, match=r"TRACESTORE_BIND=.192\.0\.2\.1. cannot be used"):
        instance.check_ports([Port("192.0.2.1", free_port(), "A", "a")])


def test_log_files_are_rotated_by_size(tmp_path: Path) -> None:
    log = ChildLog(tmp_path / "x.log", file_bytes=1000, kept=2)
    for number in range(100):
        assert log.write(f"line {number:03d} {'x' * 90}\n".encode()) == [f"line {number:03d} {'x' * 90}"]
    log.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.log", "x.log.1", "x.log.2"]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 3300


def test_lines_come_whole_however_they_are_read(tmp_path: Path) -> None:
    log = ChildLog(tmp_path / "x.log")
    assert log.write("grü".encode()[:-1]) == []
    assert log.write("grü".encode()[-1:] + b"n\nhalf") == ["grün"]
    assert log.write(b"\n") == ["half"]
    log.close()


def test_what_worries_and_how_it_reads() -> None:
    own = '{"event": "refused", "level": "warning", "logger": "ingest.http", "reason": "late"}'
    assert is_worrying(own)
    assert readable(own) == "refused (reason=late)"
    assert not is_worrying(own.replace("ingest.http", "urllib3.pool"))
    assert is_worrying(own.replace("ingest.http", "urllib3.pool").replace("warning", "error"))
    assert is_worrying("ERROR:    Exception in ASGI application")
    assert not is_worrying("INFO:     fine")
    assert printable("a\x1b]0;title\x07b\u202ec") == "a·]0;title·b·c"


def test_the_time_limits_of_a_stop_add_up_to_less_than_15_seconds(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from tracestore import environment, secrets
    from tracestore.supervisor import processes

    monkeypatch.setenv("TRACESTORE_DATA_DIR", str(tmp_path))
    found = environment.read()
    specs = [*processes.services(found), processes.engine(found, secrets.load(found)), processes.demo(found, "")]
    by_rank: dict[int, float] = {}
    for one in specs:
        by_rank[one.stop_rank] = max(by_rank.get(one.stop_rank, 0), one.stop_seconds)
    assert sum(by_rank.values()) < 14.9
    assert child_module.FIRST_PAUSE == 0.5
