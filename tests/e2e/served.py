"""The served form without a container engine: the commands of docker-compose.yml as processes on this machine.

Commands, environment and health checks are read from the file; only addresses, ports and folders are others. PostgreSQL
and Redis are real ones, an engine process stands in for the ClickHouse server.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.e2e.stack import ADMIN_PASSWORD, API_KEY, ROOT, SQL_PASSWORD, Stack
from tests.engine_process import EngineProcess
from tests.operations import compose_file
from tests.ports import free_ports

#: What an operator writes into .env.
DOT_ENV = {
    "TRACESTORE_SECRET_KEY": "a-secret-key-of-the-served-form-and-long-enough-to-be-one",
    "TRACESTORE_SQL_PASSWORD": SQL_PASSWORD,
    "TRACESTORE_ADMIN_PASSWORD": ADMIN_PASSWORD,
    "TRACESTORE_API_KEY": API_KEY,
    "POSTGRES_PASSWORD": "postgrespassword",
    "CLICKHOUSE_PASSWORD": "clickhousepassword",
    # The receiver of the tests listens on loopback.
    "TRACESTORE_ALLOW_PRIVATE_WEBHOOKS": "true",
}
SECONDS = {"s": 1.0, "m": 60.0}


@dataclass
class Container:
    """One container of a service, as a process group."""

    name: str
    service: dict[str, Any]
    environment: dict[str, str]
    replace: Mapping[str, str]
    output: Path
    process: subprocess.Popen[bytes] | None = None

    def words(self, command: list[str]) -> list[str]:
        words = [self.replaced(word) for word in command]
        beside = Path(sys.executable).with_name(words[0])
        return [str(beside) if beside.exists() else words[0], *words[1:]]

    def replaced(self, text: str) -> str:
        # In one pass, as a port that was put in place may look like one to be replaced.
        olds = sorted(self.replace, key=len, reverse=True)
        return re.sub("|".join(map(re.escape, olds)), lambda found: self.replace[found[0]], text)

    def start(self) -> Container:
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                self.words(self.service["command"]),
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def healthy(self) -> subprocess.Popen[bytes]:
        """The health check as the engine runs it, started."""
        kind, *words = self.service["healthcheck"]["test"]
        command = ["sh", "-c", self.replaced(words[0])] if kind == "CMD-SHELL" else self.words(words)
        return subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def stop(self) -> tuple[int, float]:
        """As `docker stop` does it; returns the exit code and how many seconds it took.

        Raises:
            subprocess.TimeoutExpired: it did not end in the time that the file grants it.
        """
        assert self.process is not None
        grace = self.service.get("stop_grace_period", "10s")
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)  # to its first process only
        code = self.process.wait(float(grace[:-1]) * SECONDS[grace[-1]])
        return code, time.monotonic() - began

    def kill(self) -> None:
        """`kill -9` of all of it."""
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)

    @property
    def said(self) -> str:
        return self.output.read_text(errors="replace") if self.output.exists() else ""


@dataclass
class Served:
    """All of it. `start` makes it ready, `end` leaves nothing behind."""

    folder: Path
    engine: EngineProcess
    database_url: str
    redis_url: str
    containers: dict[str, Container] = field(default_factory=dict)
    ports: dict[str, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.web_port, *rest = free_ports(5)
        self.ports = {"ingest-1": (rest[0], rest[1]), "ingest-2": (rest[2], rest[3])}
        self.file = compose_file.read(DOT_ENV)

    def container(self, name: str) -> Container:
        """A new one of the service that `name` begins with."""
        service = self.file["services"][name.partition("-")[0]]
        own = self.folder / name
        (own / "tmp").mkdir(parents=True)
        grpc_port, http_port = self.ports.get(name, self.ports["ingest-1"])
        replace = {
            "/var/lib/tracestore": str(own / "data"),
            "/tmp/": f"{own}/tmp/",
            "find /tmp ": f"find {own}/tmp ",
            "0.0.0.0": "127.0.0.1",
            "4317": str(grpc_port),
            "4318": str(http_port),
            "8000": str(self.web_port),
        }
        urls = {
            "clickhouse:8123": f"127.0.0.1:{self.engine.port}",
            "postgres/tracestore": self.database_url.partition("@")[2],
            "redis://redis:6379/0": self.redis_url,
            "ingest:4318": f"127.0.0.1:{self.ports['ingest-1'][1]}",
            "/var/lib/tracestore": str(own / "data"),
        }
        environment = {
            # A container has a name of its own; the processes of one machine must be told theirs.
            "HOSTNAME": name,
            "CELERY_WORKER_HOSTNAME": f"celery@{name}",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(own),
            "PYTHONPATH": str(ROOT),
            # As in the Dockerfile.
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "DJANGO_SETTINGS_MODULE": "tracestore.settings",
        }
        for variable, value in service["environment"].items():
            text = str(value)
            for old, new in urls.items():
                text = text.replace(old, new)
            environment[variable] = text
        self.containers[name] = Container(name, service, environment, replace, self.folder / f"{name}.log")
        return self.containers[name]

    def start(self) -> None:
        bootstrap = self.container("bootstrap").start()
        assert bootstrap.process is not None
        assert bootstrap.process.wait(120) == 0, bootstrap.said
        # For tests of races, while nobody is connected: migrating another one would take seconds.
        with psycopg.connect(self.database_url.rpartition("/")[0] + "/postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE races TEMPLATE tracestore")
        for name in ("ingest-1", "ingest-2", "worker-1", "worker-2", "beat", "web"):
            self.container(name).start()
        self.until(self.ready, "web and both ingests to be ready")

    def ready(self) -> bool:
        for container in self.containers.values():
            ended = container.process is not None and container.process.poll() is not None
            assert not ended or container.name == "bootstrap", f"{container.name} has ended:\n{container.said}"
        addresses = [self.web, *(self.otlp_http(name) for name in self.ports)]
        return all(Stack.answers(f"{address}/readyz") for address in addresses) and all(
            " ready." in self.containers[name].said for name in ("worker-1", "worker-2")
        )

    def end(self) -> None:
        for container in self.containers.values():
            container.kill()

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    def otlp_http(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name][1]}"

    def otlp_grpc(self, name: str) -> str:
        return f"127.0.0.1:{self.ports[name][0]}"

    @staticmethod
    def until(found: Callable[[], Any], what: str, seconds: float = 90) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if answer := found():
                return answer
            time.sleep(0.2)
        raise AssertionError(f"waited for {what} in vain for {seconds} s")

    def api(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.web}/api/v1/{path}", data=data, method=method)
        request.add_header("authorization", f"Bearer {API_KEY}")
        request.add_header("content-type", "application/json")
        with urllib.request.urlopen(request, timeout=30) as response:
            content = response.read()
            return json.loads(content) if content else None

    def sql(self, statement: str) -> list[list[Any]]:
        """Rows, with full rights: the tables behind the views too."""
        request = urllib.request.Request(
            f"{self.engine.url}/?database=tracestore&default_format=JSONCompact", data=statement.encode()
        )
        request.add_header("X-ClickHouse-User", self.engine.admin_user)
        request.add_header("X-ClickHouse-Key", self.engine.admin_password)
        with urllib.request.urlopen(request, timeout=30) as response:
            rows: list[list[Any]] = json.load(response)["data"]
            return rows
