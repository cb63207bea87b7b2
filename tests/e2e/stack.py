"""A whole Tracestore on free ports and a temporary directory, started as its user starts it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, ClassVar

import psutil

from tests.e2e import prepared
from tests.ports import free_ports

ROOT = Path(__file__).resolve().parents[2]
API_KEY = "ts_test_key_for_the_end_to_end_tests"
SQL_PASSWORD = "reader-password"
ADMIN_PASSWORD = "admin-password-of-the-tests"


class Stack:
    """`manage.py up` in a process group of its own. Use as a context manager.

    At its end, and after every test while it runs, the ledgers of ingest must balance.
    """

    #: Those that are up now.
    running: ClassVar[list[Stack]] = []
    #: Where the processes of one run of the tests share a migrated data directory; None: every stack migrates.
    common: ClassVar[Path | None] = None

    def __init__(self, data_dir: Path, *, within: tuple[str, ...] = (), **environment: str) -> None:
        """`within` is a command that runs the one given to it, such as `nice`.

        With nothing but a data directory, which is empty, it begins with a copy of a migrated one (`common`).
        """
        self.data_dir = data_dir
        self.within = within
        self.as_prepared = not within and not environment
        self.web_port, self.grpc_port, self.http_port, self.sql_port = free_ports(4)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TRACESTORE_")},
            "TRACESTORE_DATA_DIR": str(data_dir),
            "TRACESTORE_WEB_PORT": str(self.web_port),
            "TRACESTORE_OTLP_GRPC_PORT": str(self.grpc_port),
            "TRACESTORE_OTLP_HTTP_PORT": str(self.http_port),
            "TRACESTORE_CLICKHOUSE_PORT": str(self.sql_port),
            "TRACESTORE_API_KEY": API_KEY,
            "TRACESTORE_SQL_PASSWORD": SQL_PASSWORD,
            "TRACESTORE_ADMIN_PASSWORD": ADMIN_PASSWORD,
            # Tests and benchmarks ask as fast as they can.
            "TRACESTORE_API_REQUESTS_PER_SECOND": "0",
            "TRACESTORE_READ_BYTES_PER_SECOND": "0",
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.output = data_dir / "up-output.txt"

    def __enter__(self) -> Stack:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.assert_balanced()
        finally:
            self.stop()

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def otlp_http(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def otlp_grpc(self) -> str:
        return f"127.0.0.1:{self.grpc_port}"

    def start(self, limit: float = 60) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        if self.common and self.as_prepared and not any(self.data_dir.iterdir()):
            prepared.copy(self.common, self.data_dir, self.environment, SQL_PASSWORD)
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [*self.within, sys.executable, str(ROOT / "manage.py"), "up"],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.wait_ready(limit)
        Stack.running.append(self)

    def wait_ready(self, limit: float = 60) -> None:
        """Waits until web and ingest say they are ready.

        Raises AssertionError with the output when they are not in time, or `up` has ended.
        """
        end = time.monotonic() + limit
        while time.monotonic() < end:
            if self.process is not None and self.process.poll() is not None:
                raise AssertionError(f"`up` ended with {self.process.returncode}:\n{self.output.read_text()}")
            if self.answers(f"{self.web}/readyz") and self.answers(f"{self.otlp_http}/readyz"):
                return
            time.sleep(0.1)
        raise AssertionError(f"not ready after {limit} s:\n{self.output.read_text()}")

    @staticmethod
    def answers(url: str) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
        return False

    def stop(self, limit: float = 20) -> int:
        """Ends it as Ctrl-C does; returns the exit code."""
        self._no_longer_runs()
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        finally:
            self.process = None

    def children(self) -> dict[str, list[psutil.Process]]:
        """The running processes by what they do."""
        assert self.process is not None
        found: dict[str, list[psutil.Process]] = {"engine": [], "ingest": [], "worker": [], "web": []}
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                line = " ".join(child.cmdline())
                for name, mark in (
                    ("engine", "tracestore.engine"),
                    ("ingest", " ingest"),
                    ("worker", "supervisor.worker"),
                    ("web", "uvicorn"),
                ):
                    if mark in line:
                        found[name].append(child)
                        break
        return found

    def kill(self) -> None:
        """`kill -9` of the supervisor and of everything below it, as a power cut would."""
        assert self.process is not None
        self._no_longer_runs()
        everything = [*psutil.Process(self.process.pid).children(recursive=True), psutil.Process(self.process.pid)]
        for one in everything:
            with contextlib.suppress(psutil.Error):
                one.kill()
        psutil.wait_procs(everything, timeout=10)
        self.process.wait(10)
        self.process = None

    def _no_longer_runs(self) -> None:
        if self in Stack.running:
            Stack.running.remove(self)

    def ledger(self, of: str = "spans") -> dict[str, int]:
        """What became of the spans, or of the `log_records`, since ingest started: outcome → number.

        Of whichever process answers, when several ingest processes share the port.
        """
        with urllib.request.urlopen(f"{self.otlp_http}/metrics", timeout=10) as response:
            lines = response.read().decode().splitlines()
        sums = dict.fromkeys(("received", "stored", "deduplicated", "rejected", "refused"), 0)
        for line in lines:
            if line.startswith(f"tracestore_ingest_{of}_total{{"):
                sums[line.split('outcome="')[1].split('"')[0]] += int(float(line.rsplit(" ", 1)[1]))
        return sums

    def assert_balanced(self, limit: float = 15) -> None:
        """received = stored + deduplicated + rejected + refused, once nothing is under way."""
        if not self.answers(f"{self.otlp_http}/healthz"):
            return  # the test has ended it
        for of in ("spans", "log_records"):
            end = time.monotonic() + limit
            while (sums := self.ledger(of))["received"] != sum(sums.values()) - sums["received"]:
                assert time.monotonic() < end, f"the ledger of {of} does not balance: {sums}"
                time.sleep(0.1)

    def api(self, path: str, **parameters: str | int) -> Any:
        """A GET of the read API, decoded."""
        query = "&".join(f"{name}={urllib.parse.quote(str(value))}" for name, value in parameters.items())
        request = urllib.request.Request(f"{self.web}/api/v1/{path}" + (f"?{query}" if query else ""))
        request.add_header("authorization", f"Bearer {API_KEY}")
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)

    def sql(self, statement: str, user: str = "reader", password: str = SQL_PASSWORD) -> list[list[Any]]:
        """Rows of a statement run as the data team would: the read-only user, plain HTTP."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.sql_port}/?database=tracestore&default_format=JSONCompact",
            data=statement.encode(),
        )
        request.add_header("X-ClickHouse-User", user)
        request.add_header("X-ClickHouse-Key", password)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                body = response.read()
                rows: list[list[Any]] = json.loads(body)["data"] if body else []
                return rows
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error

    def admin(self, statement: str) -> list[list[Any]]:
        """Rows of a statement run with full rights; none for a statement that answers with nothing."""
        password = json.loads((self.data_dir / "secrets.json").read_text())["engine_password"]
        return self.sql(statement, "tracestore", password)

    def wait_settled(self, limit: float = 30, trace_id: str = "") -> None:
        """Waits until every stored trace, or one of them, has its summary."""
        of_it = f" WHERE trace_id = '{trace_id}'" if trace_id else ""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            if int(self.admin(f"SELECT count() FROM open_traces{of_it}")[0][0]) == 0:
                return
            time.sleep(0.3)
        raise AssertionError(f"traces still open after {limit} s")
