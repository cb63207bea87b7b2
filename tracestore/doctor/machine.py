"""Checks of this machine: environment, files, processes, ports. Nothing here needs a running Tracestore."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import stat
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

from tracestore.doctor.check import State
from tracestore.environment import Environment, reachable, url_host
from tracestore.secrets import FILE
from tracestore.supervisor.instance import LOCK

Answer = tuple[State, str, str]

GIB: Final = 1 << 30
#: Free space below which the store will soon refuse, and below which somebody should think of it.
BAD_BYTES, WARN_BYTES = 1 * GIB, 5 * GIB
_TIMEOUT_S: Final = 5.0


def environment(values: Environment) -> Answer:
    """What can be read is of the right form (else no command starts); here: what goes badly together."""
    if not values.loopback and not values.require_api_key:
        return (
            "bad", f"Anybody who reaches {values.bind} can send and read without a key.",
            "Unset TRACESTORE_REQUIRE_API_KEY, or set TRACESTORE_BIND to 127.0.0.1.",
        )  # fmt: skip
    if values.debug:
        return "warn", "TRACESTORE_DEBUG shows details of errors to everybody.", "Unset TRACESTORE_DEBUG."
    if not values.loopback and not values.allowed_hosts:
        return (
            "warn", "Browsers are let in by the name of this machine alone.",
            "Set TRACESTORE_ALLOWED_HOSTS to the names under which people reach the pages.",
        )  # fmt: skip
    return "ok", "The variables can be used and go together.", ""


def data_directory(path: Path) -> Answer:
    if not os.access(path, os.W_OK | os.X_OK):
        return "bad", f"{path} cannot be written to.", f"Give {path} to the user that runs Tracestore (chown)."
    free = shutil.disk_usage(path).free
    said = f"{path} has {free / GIB:,.1f} GiB free."
    if free < BAD_BYTES:
        return "bad", said, "Make room, or shorten the retention of projects; a full disk refuses spans."
    if free < WARN_BYTES:
        return "warn", said, "Make room before it is full: a full disk refuses spans."
    if path.stat().st_mode & stat.S_IWOTH:
        return "bad", f"{path} can be written to by every user of this machine.", f"chmod o-w {path}"
    return "ok", said, ""


def secret_file(path: Path) -> Answer:
    file = path / FILE
    if not file.exists():
        return "warn", f"{file} is not there: a start will make new secrets.", "Restore it, or keys stop working."
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        return "bad", f"{file} can be read by others ({mode:o}).", f"chmod 600 {file}, and rotate what may have leaked."
    return "ok", f"{file} can be read by its owner only.", ""


def running_pid(path: Path) -> str | None:
    """The process that runs on the data directory by `manage.py up`, None when there is none."""
    with contextlib.suppress(FileNotFoundError), open(path / LOCK, encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return file.read().strip() or "unknown"
    return None


def processes(values: Environment) -> Answer:
    pid = running_pid(values.data_dir)
    if pid is not None:
        return "ok", f"`manage.py up` runs as process {pid}.", ""
    if not values.embedded:
        return "ok", "Processes are run by containers; each is asked below.", ""
    return (
        "bad", "Tracestore does not run on this data directory; what needs it was not asked.",
        "Start it: `make up` or `manage.py up`.",
    )  # fmt: skip


def ports(values: Environment, *, running: bool) -> Answer:
    """While it runs all must answer, else all must be free."""
    wanted = {
        "TRACESTORE_WEB_PORT": (reachable(values.bind), values.web_port),
        "TRACESTORE_OTLP_GRPC_PORT": (reachable(values.bind), values.otlp_grpc_port),
        "TRACESTORE_OTLP_HTTP_PORT": (reachable(values.bind), values.otlp_http_port),
    }
    if values.embedded:
        wanted["TRACESTORE_CLICKHOUSE_PORT"] = ("127.0.0.1", values.clickhouse_port)
    answering = {name for name, address in wanted.items() if _answers(*address)}
    numbers = ", ".join(str(port) for _, port in wanted.values())
    if running and (silent := [name for name in wanted if name not in answering]):
        return "bad", f"Nobody listens on the port of {', '.join(silent)}.", "See the logs, or restart."
    if not running and answering and values.embedded:
        return (
            "bad", f"Another program listens on the port of {', '.join(sorted(answering))}.",
            "End that program, or set the variable to a free port.",
        )  # fmt: skip
    return "ok", f"Ports {numbers} " + ("answer." if running else "are free."), ""


def ready(url: str) -> Answer:
    """What /readyz of a process says."""
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=_TIMEOUT_S) as response:  # noqa: S310
            return "ok", f"{url} is ready ({response.status}).", ""
    except urllib.error.HTTPError as error:
        said = error.read(300).decode("utf-8", "replace").strip()
        return "bad", f"{url} is not ready: {said}", "Mend what it names; the log of the process tells more."
    except OSError:
        return (
            "bad", f"{url} does not answer.",
            "See its log; if it runs elsewhere, give its address by --web or --ingest.",
        )  # fmt: skip


def public_url(values: Environment) -> Answer:
    if not values.public_url:
        if values.loopback:
            return "ok", "Links in messages lead to this machine, as it listens on loopback only.", ""
        return "warn", "Links in messages lead to an address of this machine.", "Set TRACESTORE_PUBLIC_URL."
    try:
        with urllib.request.urlopen(f"{values.public_url}/healthz", timeout=_TIMEOUT_S):  # noqa: S310
            return "ok", f"{values.public_url} leads here.", ""
    except (OSError, ValueError):
        return (
            "warn", f"{values.public_url}/healthz does not answer from this machine.",
            "Look at the proxy and at TRACESTORE_ALLOWED_HOSTS; from other machines it may still work.",
        )  # fmt: skip


def address(bind: str, port: int) -> str:
    return f"http://{url_host(reachable(bind))}:{port}"


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=2):
            return True
    except OSError:
        return False
