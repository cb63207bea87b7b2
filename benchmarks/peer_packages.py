"""Arize Phoenix and MLflow: how each is installed, started, asked and ended.

They run with their default store and settings; only port, data folder, telemetry (off) and the loopback
address are set. Each lives in a virtual environment of its own under `build/peers/`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.load import Target
from benchmarks.products import Product, Unavailable, answers
from tests.ports import free_port, free_ports

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / "build" / "peers"


class Peer(Product):
    """A package from PyPI with an SQLite database in its data folder."""

    package = ""
    database = ""
    count_statement = ""
    group_statement = ""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        raise NotImplementedError

    def ready_url(self) -> str:
        raise NotImplementedError

    @property
    def python(self) -> str:
        return str(PEERS / f"{self.package}-{self.version}" / "bin" / "python")

    def install(self) -> None:
        environment = PEERS / f"{self.package}-{self.version}"
        if (environment / "complete").exists():
            return
        shutil.rmtree(environment, ignore_errors=True)  # of an installation that was broken off
        print(f"Installing {self.package} {self.version} into {environment.relative_to(ROOT)} (some minutes, only once).",
              file=sys.stderr, flush=True)  # fmt: skip
        PEERS.mkdir(parents=True, exist_ok=True)
        pip = [
            self.python,
            "-m",
            "pip",
            "install",
            "-q",
            "--disable-pip-version-check",
            f"{self.package}=={self.version}",
        ]
        for command in ([sys.executable, "-m", "venv", str(environment)], pip):
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
            except subprocess.TimeoutExpired as error:
                raise Unavailable(f"{self.package} {self.version}: not installed within 15 minutes") from error
            if done.returncode:
                last = (done.stderr.strip() or "no message").splitlines()[-1]
                raise Unavailable(f"{self.package} {self.version} cannot be installed: {last}")
        (environment / "complete").touch()

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PHOENIX_", "MLFLOW_"))
        }
        log = self.folder.with_suffix(".log")
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command(), cwd=self.folder, env={**kept, "DO_NOT_TRACK": "true", **self.environment()},
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + 120
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            if answers(self.ready_url()) is not None:
                return
            time.sleep(0.2)
        last = "\n".join(log.read_text(errors="replace").splitlines()[-10:])
        raise Unavailable(f"{self.name} did not start:\n{last}")

    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def everything(self) -> list[psutil.Process]:
        if self.process is None:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            root = psutil.Process(self.process.pid)
            return [*root.children(recursive=True), root]
        return []

    def stop(self) -> None:
        if self.process is None:
            return
        everything = self.everything()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        _, left = psutil.wait_procs(everything, timeout=15)
        for one in left:
            with contextlib.suppress(psutil.Error):
                one.kill()
        self.process.wait(10)
        self.process = None

    def kill(self) -> None:
        assert self.process is not None
        everything = self.everything()
        for one in everything:
            with contextlib.suppress(psutil.Error):
                one.kill()
        psutil.wait_procs(everything, timeout=10)
        self.process.wait(10)
        self.process = None

    @contextlib.contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(
            sqlite3.connect(f"file:{self.folder / self.database}?mode=ro", uri=True, timeout=30)
        ) as connection:
            yield connection

    def stored(self) -> int:
        with self.connection() as connection:
            return int(connection.execute(self.count_statement).fetchone()[0])

    def by_request(self) -> dict[int, int]:
        with self.connection() as connection:
            return {int(head, 16): int(count) for head, count in connection.execute(self.group_statement)}


class Phoenix(Peer):
    name = "Arize Phoenix"
    package = "arize-phoenix"
    version = "20.26.1"
    database = "phoenix.db"
    count_statement = "SELECT count(*) FROM spans"
    group_statement = "SELECT substr(traces.trace_id, 1, 16), count(*) FROM spans JOIN traces ON spans.trace_rowid = traces.id GROUP BY 1"
    #: Phoenix listens for gRPC on every address and has no setting for it; this benchmark stays on loopback.
    on_loopback = """
import grpc.aio._server as server
bind = server.Server.add_insecure_port
server.Server.add_insecure_port = lambda self, address: bind(self, "127.0.0.1:" + address.rsplit(":", 1)[1])
import sys
sys.argv = ["phoenix", "serve"]
from phoenix.server.main import main
main()
"""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.port, self.grpc_port = free_ports(2)
        self.target = Target(f"127.0.0.1:{self.grpc_port}")

    def command(self) -> list[str]:
        return [self.python, "-c", self.on_loopback]

    def environment(self) -> dict[str, str]:
        return {
            "PHOENIX_HOST": "127.0.0.1", "PHOENIX_PORT": str(self.port), "PHOENIX_GRPC_PORT": str(self.grpc_port),
            "PHOENIX_WORKING_DIR": str(self.folder), "PHOENIX_TELEMETRY_ENABLED": "false",
            "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
        }  # fmt: skip

    def ready_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/healthz"

    def visible(self, trace: str) -> bool:
        found = answers(f"http://127.0.0.1:{self.port}/v1/projects/default/spans?trace_id={trace}&limit=1")
        return bool(found and json.loads(found)["data"])


class MLflow(Peer):
    name = "MLflow"
    package = "mlflow"
    version = "3.17.2"
    database = "mlflow.db"
    count_statement = "SELECT count(*) FROM spans"
    group_statement = "SELECT substr(trace_id, 4, 16), count(*) FROM spans GROUP BY 1"  # after "tr-"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.port = free_port()
        self.target = Target(f"127.0.0.1:{self.port}", "http/protobuf", headers={"x-mlflow-experiment-id": "0"})

    def command(self) -> list[str]:
        return [self.python, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]

    def environment(self) -> dict[str, str]:
        return {"MLFLOW_DISABLE_TELEMETRY": "true"}

    def ready_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/health"

    def visible(self, trace: str) -> bool:
        return answers(f"http://127.0.0.1:{self.port}/api/3.0/mlflow/traces/tr-{trace}") is not None
