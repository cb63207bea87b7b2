"""`manage.py ingest` as a process: says that it is ready, serves, stops when told to."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from receiving import wait_until

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def ingest(tmp_path: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    # No store listens on this port: readiness must say so, and nothing else may need one.
    environment = {
        **os.environ,
        "TRACESTORE_DATA_DIR": str(tmp_path),
        "TRACESTORE_CLICKHOUSE_PORT": str(free_port()),
        "TRACESTORE_REQUIRE_API_KEY": "false",
    }
    command = [sys.executable, str(ROOT / "manage.py"), "ingest", *options]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        ready: dict[str, Any] = {}
        try:
            for line in process.stderr:
                if "ingest ready" in line:
                    ready = json.loads(line)
                    break
            yield process, ready
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_from_start_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    with ingest(tmp_path, "--grpc-port", "0", "--http-port", "0") as (process, ready):
        assert ready["event"] == "ingest ready"
        address = f"http://127.0.0.1:{ready['http_port']}"
        assert requests.get(address + "/healthz", timeout=5).status_code == 200
        assert requests.get(address + "/readyz", timeout=5).status_code == 503
        answer = requests.post(address + "/v1/traces", headers={"content-type": "application/x-protobuf"}, timeout=5)
        assert answer.status_code == 200
        process.send_signal(number)
        assert process.wait(10) == 0


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = ["--grpc-port", "0", "--http-port", str(port)]
        with ingest(tmp_path, *command) as (process, ready):
            assert not ready
            assert process.wait(10) != 0


def test_processes_share_ports_when_told_to(tmp_path: Path) -> None:
    ports = ["--grpc-port", str(free_port()), "--http-port", str(free_port()), "--share-ports"]
    with ingest(tmp_path, *ports) as (_, first), ingest(tmp_path, *ports) as (_, second):
        assert first["http_port"] == second["http_port"]
        assert first["grpc_port"] == second["grpc_port"]


def test_it_hears_of_a_limit_and_of_its_end(tmp_path: Path) -> None:
    environment = {**os.environ, "TRACESTORE_DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "tracestore.settings"}

    def django(program: str) -> None:
        program = f"import django; django.setup()\nfrom django.core.management import call_command\n{program}"
        subprocess.run([sys.executable, "-c", program], check=True, env=environment, cwd=ROOT)

    django(
        "call_command('migrate', verbosity=0)\n"
        "from tracestore.models import Project\n"
        "Project.objects.create(slug='default', name='Default')\n"
        "call_command('project_limits', 'default', '--bytes-per-second', '1')\n"
    )
    with ingest(tmp_path, "--grpc-port", "0", "--http-port", "0") as (_, ready):

        def send() -> int:
            # A field that nobody knows: a body of some bytes that needs no store.
            return requests.post(
                f"http://127.0.0.1:{ready['http_port']}/v1/traces",
                data=b"\x7a\x64" + bytes(100),
                headers={"content-type": "application/x-protobuf"},
                timeout=5,
            ).status_code

        assert [send(), send()] == [200, 429]
        django("call_command('project_limits', 'default', '--bytes-per-second', 'none')\n")
        wait_until(lambda: send() == 200, within=30)
