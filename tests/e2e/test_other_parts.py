"""PostgreSQL for the metadata and Redis for the jobs, real ones, instead of SQLite and files."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.e2e.captures import captures, renewed
from tests.e2e.stack import ADMIN_PASSWORD, Stack
from tests.e2e.test_front_door import send_grpc
from tests.ports import free_port


def program(name: str, *places: str, always: bool = True) -> str:
    """The path of a program; without it tests are skipped, but fail where CI is set, if it is `always` there."""
    found = shutil.which(name) or next((str(path) for place in places for path in sorted(Path("/").glob(place))), None)
    if found is None:
        if os.environ.get("CI") and always:
            pytest.fail(f"No {name}: install its package.")
        pytest.skip(f"no {name} on this machine")
    return found


@contextlib.contextmanager
def running(command: list[str], ready: list[str], **options: object) -> Iterator[None]:
    """A server for the time of the block; `ready` is a command that succeeds once it answers."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)  # type: ignore[call-overload]
    try:
        end = time.monotonic() + 30
        while subprocess.run(ready, capture_output=True, check=False).returncode != 0:
            assert time.monotonic() < end, f"{command[0]} does not answer"
            assert process.poll() is None, f"{command[0]} has ended"
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    yield from redis(tmp_path)


def redis(folder: Path) -> Iterator[str]:
    server, client = program("redis-server"), program("redis-cli")
    port = free_port()
    command = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with running(command, [client, "-p", str(port), "ping"]):
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture
def database_url() -> Iterator[str]:
    # Not below pytest's own folder: that is closed to other users, and PostgreSQL must not be root.
    with tempfile.TemporaryDirectory(prefix="tracestore-postgres-", ignore_cleanup_errors=True) as data:
        yield from postgresql(Path(data))


def postgresql(data: Path) -> Iterator[str]:
    postgres = program("postgres", "usr/lib/postgresql/*/bin/postgres")
    folder = Path(postgres).resolve().parent
    user: dict[str, object] = {}
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        user = {"user": account.pw_uid, "group": account.pw_gid}
        os.chown(data, account.pw_uid, account.pw_gid)
    port = free_port()
    subprocess.run(
        [folder / "initdb", "-D", data, "-U", "tracestore", "--auth=trust", "--no-sync", "-E", "UTF8"],
        check=True,
        capture_output=True,
        cwd=data,
        **user,  # type: ignore[call-overload]
    )
    address = ["-h", "127.0.0.1", "-p", str(port), "-U", "tracestore"]
    command = [postgres, "-D", str(data), "-p", str(port), "-k", str(data), "-h", "127.0.0.1", "-F"]
    with running(command, [str(folder / "psql"), *address, "-d", "postgres", "-c", "SELECT 1"], cwd=data, **user):
        subprocess.run([folder / "createdb", *address, "tracestore"], check=True)
        yield f"postgresql://tracestore@127.0.0.1:{port}/tracestore"


def test_with_postgresql_and_redis(tmp_path: Path, database_url: str, redis_url: str) -> None:
    with Stack(tmp_path / "data", TRACESTORE_DATABASE_URL=database_url, TRACESTORE_BROKER_URL=redis_url) as stack:
        capture = next(one for one in captures() if one.combo == "langgraph-openinference")
        for body in capture.bodies():
            assert send_grpc(stack, renewed(body, "served")) == b""
        stack.wait_settled(30)  # the job went through Redis
        assert stack.api("traces/")["results"]
        (worker,) = stack.children()["worker"]
        worker.kill()
        psutil.wait_procs([worker], timeout=10)
        for body in capture.bodies():
            assert send_grpc(stack, renewed(body, "again")) == b""
        stack.wait_settled(60)
        assert not (stack.data_dir / "tracestore.sqlite3").exists()
        assert ADMIN_PASSWORD not in stack.output.read_text()
