"""Starts and stops a real engine process for tests."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType

_START_SECONDS = 30.0
_STOP_SECONDS = 20.0


class EngineDidNotStart(Exception):
    """The process ended or stayed silent; the text holds its stderr."""


class EngineProcess:
    """`python -m tracestore.engine` on a data directory, on a free port unless one is given."""

    #: What is run.
    module = "tracestore.engine"
    admin_user = "tracestore"
    reader_user = "reader"

    def __init__(
        self,
        path: Path,
        *arguments: str,
        port: int = 0,
        admin_password: str = "admin-password",
        reader_password: str = "reader-password",
    ) -> None:
        self.path = path
        self.host = "127.0.0.1"
        self.port = port
        self.admin_password = admin_password
        self.reader_password = reader_password
        self._arguments = arguments
        self._errors = path.with_name(path.name + ".stderr")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the engine listens."""
        return f"http://{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        """The process id; only while it runs."""
        assert self._process is not None
        return self._process.pid

    @property
    def stderr(self) -> str:
        """What the process has said so far."""
        return self._errors.read_text(errors="replace") if self._errors.exists() else ""

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the process without waiting for it."""
        environment = {
            **os.environ,
            "TRACESTORE_ENGINE_PASSWORD": self.admin_password,
            "TRACESTORE_SQL_PASSWORD": self.reader_password,
        }
        command = [sys.executable, "-m", self.module, "--path", str(self.path)]
        command += ["--host", self.host, "--port", str(self.port), *self._arguments]
        with open(self._errors, "ab") as errors:
            self._process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors)
        return self._process

    def start(self) -> EngineProcess:
        """Start the process and wait until it answers."""
        process = self.spawn()
        assert process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            ready = selector.select(_START_SECONDS)
        line = process.stdout.readline().decode() if ready else ""
        if not line.startswith("ready http://"):
            self.kill()
            raise EngineDidNotStart(self.stderr)
        self.port = int(line.rsplit(":", 1)[1])
        return self

    def stop(self) -> int:
        """End the process by SIGTERM; returns its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self.wait(_STOP_SECONDS)

    def kill(self) -> None:
        """End the process at once, as a power cut would."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self.wait(_STOP_SECONDS)

    def wait(self, seconds: float) -> int:
        """Wait for the end of the process; returns its exit code."""
        assert self._process is not None
        code = self._process.wait(seconds)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return code

    def __enter__(self) -> EngineProcess:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()
