"""What a start prints last: it must be true, and the program in it must run."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tracestore import environment, secrets
from tracestore.supervisor import announce


class Receiver(ThreadingHTTPServer):
    """Takes OTLP/HTTP and keeps what came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, dict[str, str], ExportTraceServiceRequest]] = []


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append((self.path, headers, ExportTraceServiceRequest.FromString(body)))
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(autouse=True)
def data_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("TRACESTORE_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def ready_text(token: str | None = "TOKEN", *, demo: bool = False) -> str:
    found = environment.read()
    return announce.ready_text(found, secrets.load(found), token, demo=demo)


@pytest.mark.parametrize("keys", [False, True])
def test_the_printed_program_sends_one_span(monkeypatch: pytest.MonkeyPatch, receiver: Receiver, keys: bool) -> None:
    monkeypatch.setenv("TRACESTORE_OTLP_HTTP_PORT", str(receiver.server_address[1]))
    monkeypatch.setenv("TRACESTORE_REQUIRE_API_KEY", str(keys).lower())
    snippet = announce.snippet(environment.read())
    assert len(snippet.splitlines()) == 10
    assert all(f"  {line}\n" in ready_text() for line in snippet.splitlines())
    environ = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", snippet], capture_output=True, text=True, timeout=60, env=environ, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    [(path, headers, request)] = receiver.requests
    assert path == "/v1/traces"
    assert headers.get("x-api-key") == ("YOUR-KEY" if keys else None)
    [span] = request.resource_spans[0].scope_spans[0].spans
    assert span.name == "invoke_agent hello-agent"
    assert done.stdout.strip() == f"http://127.0.0.1:8000/traces/{span.trace_id.hex()}/"


def test_it_names_every_address_and_the_way_in(data_dir: Path) -> None:
    text = ready_text()
    assert "http://127.0.0.1:8000/login/link/TOKEN/" in text
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318" in text
    assert "http://127.0.0.1:4317" in text
    assert "YOUR-KEY" not in text
    assert "Ctrl-C" in text
    assert str(data_dir / "logs") in text
    assert "Demo" not in text
    assert "Demo" in ready_text(demo=True)


def test_the_sql_line_is_one_command_with_our_password_but_never_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    found = environment.read()
    made = secrets.load(found).sql_password
    words = shlex.split(announce.sql_line(found, secrets.load(found)))
    assert words[:3] == ["curl", "-u", f"reader:{made}"]
    assert words[3].startswith("http://127.0.0.1:8123/?database=tracestore")
    monkeypatch.setenv("TRACESTORE_SQL_PASSWORD", "hunter2")
    text = ready_text()
    assert "hunter2" not in text
    assert "$TRACESTORE_SQL_PASSWORD" in text


def test_a_served_clickhouse_keeps_its_own_password_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACESTORE_CLICKHOUSE_URL", "https://tracestore:s3cret@ch.example:8443/")
    text = ready_text()
    assert "s3cret" not in text
    assert "'https://ch.example:8443/?database=tracestore" in text


def test_beyond_loopback_it_speaks_of_keys_and_host_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACESTORE_BIND", "0.0.0.0")
    text = ready_text()
    assert "OTEL_EXPORTER_OTLP_HEADERS=x-api-key=YOUR-KEY" in text
    assert "manage.py api_keys create" in text
    assert "TRACESTORE_ALLOWED_HOSTS" in text
    monkeypatch.setenv("TRACESTORE_ALLOWED_HOSTS", "traces.example")
    monkeypatch.setenv("TRACESTORE_API_KEY", "their-own-key")
    text = ready_text()
    assert "https://traces.example/login/link/TOKEN/" in text
    assert "their-own-key" not in text
    assert "TRACESTORE_API_KEY" in text


def test_ipv6_addresses_are_put_in_brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACESTORE_BIND", "::1")
    assert "http://[::1]:8000/" in ready_text()
