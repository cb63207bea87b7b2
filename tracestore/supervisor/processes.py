"""Which processes an installation on one machine consists of, and in what order they stop.

Ingest stops first and hands over what it has accepted; then those who read; the engine last, when
nobody needs it any more. The limits add up to less than the 15 s that a stop may take.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from tracestore.engine.readers import FILE as READERS_FILE
from tracestore.environment import ROOT, Environment, reachable, url_host
from tracestore.secrets import Secrets
from tracestore.supervisor.child import Address, Spec
from tracestore.supervisor.instance import Port

_MANAGE = str(ROOT / "manage.py")
#: glibc gives each thread a heap of its own, up to eight a core. Texts that are kept for a while then hold whole heaps
#: that are otherwise free: the worker grew by 0.7 GiB in half an hour. Python's threads take turns anyway.
_FEW_HEAPS = {"MALLOC_ARENA_MAX": "2"}
#: Only the first start needs these; no other process should carry them in its environment.
_ONLY_FOR_BOOTSTRAP = ("TRACESTORE_ADMIN_PASSWORD", "TRACESTORE_API_KEY")


def engine(environment: Environment, secrets: Secrets) -> Spec:
    return Spec(
        "engine",
        (
            "-m",
            "tracestore.engine",
            "--path",
            str(environment.data_dir / "clickhouse"),
            "--host",
            "127.0.0.1",
            "--port",
            str(environment.clickhouse_port),
            "--readers",
            str(environment.data_dir / READERS_FILE),
        ),
        stop_rank=3,
        environ=_environ(environment)
        | {"TRACESTORE_ENGINE_PASSWORD": secrets.engine_password, "TRACESTORE_SQL_PASSWORD": secrets.sql_password},
        ready_line="ready http",
        stop_seconds=3.5,
    )


def bootstrap(environment: Environment, result: str, *, demo: bool) -> Spec:
    words = (_MANAGE, "bootstrap", "--login-link", "--result", result, *(("--demo-key",) if demo else ()))
    return Spec(
        "bootstrap",
        words,
        stop_rank=0,
        environ=_environ(environment, dict(os.environ)),
        # An upgrade may have much to change.
        ready_seconds=600.0,
        stop_seconds=2.0,
    )


def services(environment: Environment) -> list[Spec]:
    """Those that serve, once everything is migrated."""
    environ = _FEW_HEAPS | _environ(environment)
    here = reachable(environment.bind)
    ingest_words = (
        _MANAGE,
        "ingest",
        "--host",
        environment.bind,
        "--grpc-port",
        str(environment.otlp_grpc_port),
        "--http-port",
        str(environment.otlp_http_port),
    )
    count = environment.ingest_processes
    return [
        *(
            Spec(
                "ingest" if count == 1 else f"ingest-{number}",
                ingest_words,
                stop_rank=1,
                environ=environ,
                # Not /readyz: several share the port, and any of them may answer.
                ready_line="ingest ready",
                stop_seconds=5.5,
            )
            for number in range(1, count + 1)
        ),
        Spec(
            "worker",
            ("-m", "tracestore.supervisor.worker"),
            stop_rank=2,
            environ=environ,
            ready_line="worker ready",
            stop_seconds=4.5,
        ),
        Spec(
            "web",
            (
                "-m",
                "uvicorn",
                "tracestore.asgi:application",
                "--host",
                environment.bind,
                "--port",
                str(environment.web_port),
                "--lifespan=off",
                "--no-access-log",
                "--no-server-header",
                "--log-level=warning",
                "--timeout-graceful-shutdown=2",
            ),
            stop_rank=2,
            environ=environ,
            ready_at=Address(here, environment.web_port, "/readyz"),
            stop_seconds=3.0,
        ),
    ]


def demo(environment: Environment, key: str) -> Spec:
    host = f"http://{url_host(reachable(environment.bind))}"
    return Spec(
        "demo",
        (
            _MANAGE,
            "demo",
            "--url",
            f"{host}:{environment.otlp_http_port}",
            "--web",
            f"{host}:{environment.web_port}",
        ),
        stop_rank=0,
        environ=_environ(environment) | {"TRACESTORE_API_KEY": key},
        stop_seconds=1.2,
    )


def ports(environment: Environment) -> list[Port]:
    """What must be free before a start."""
    found = [
        Port(environment.bind, environment.web_port, "TRACESTORE_WEB_PORT", "web pages and API"),
        Port(environment.bind, environment.otlp_grpc_port, "TRACESTORE_OTLP_GRPC_PORT", "OTLP/gRPC"),
        Port(environment.bind, environment.otlp_http_port, "TRACESTORE_OTLP_HTTP_PORT", "OTLP/HTTP"),
    ]
    if environment.embedded:
        found.append(Port("127.0.0.1", environment.clickhouse_port, "TRACESTORE_CLICKHOUSE_PORT", "SQL"))
    return found


def _environ(environment: Environment, base: Mapping[str, str] | None = None) -> dict[str, str]:
    if base is None:
        base = {name: value for name, value in os.environ.items() if name not in _ONLY_FOR_BOOTSTRAP}
    return {
        **base,
        # Children run in another directory, where a relative path would mean something else.
        "TRACESTORE_DATA_DIR": str(environment.data_dir),
        "DJANGO_SETTINGS_MODULE": "tracestore.settings",
        "PYTHONUNBUFFERED": "1",
    }
