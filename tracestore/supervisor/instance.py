"""One start at a time: the lock on the data directory, and the ports that must be free."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import IO, NamedTuple

LOCK = "up.lock"


class CannotStart(Exception):
    """Why there can be no start, in sentences for the person at the terminal."""


class Port(NamedTuple):
    """A port that a process will listen on, and the variable that moves it."""

    host: str
    number: int
    variable: str
    purpose: str


def lock(data_dir: Path) -> IO[str]:
    """Takes the data directory for this process; it is given back when the process ends, however.

    The lock is the kernel's: nothing is left behind by `kill -9`. The pid in the file is only told.

    Raises:
        CannotStart: another `up` has it.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    file = open(data_dir / LOCK, "a+", encoding="ascii")  # noqa: SIM115 (held until the process ends)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        pid = file.read().strip() or "unknown"
        file.close()
        raise CannotStart(
            f"Tracestore is already running on {data_dir} (process {pid}):"
            " stop that one first, or set TRACESTORE_DATA_DIR to another directory."
        ) from None
    file.seek(0)
    file.truncate()
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def check_ports(ports: Iterable[Port]) -> None:
    """Returns when all of them can be listened on.

    Raises:
        CannotStart: naming each port that is taken and the variable to set.
    """
    wanted = list(ports)
    taken = [port for port in wanted if not _is_free(port)]
    sentences = [
        f"Port {port.number} on {port.host} ({port.purpose}) is in use by another program:"
        f" end that one, or set {port.variable} to a free port."
        for port in taken
    ]
    for port in wanted:
        other = next((p for p in wanted if p is not port and p.number == port.number), None)
        if other is not None and wanted.index(other) < wanted.index(port):
            sentences.append(f"{other.variable} and {port.variable} are both {port.number}: each needs its own port.")
    if sentences:
        raise CannotStart("\n".join(sentences))


def _is_free(port: Port) -> bool:
    try:
        found = socket.getaddrinfo(port.host, port.number, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        raise CannotStart(
            f"TRACESTORE_BIND={port.host!r} cannot be used: expected an address of this machine,"
            " such as 127.0.0.1 or 0.0.0.0."
        ) from None
    family, kind, protocol, _, address = found[0]
    with socket.socket(family, kind, protocol) as probe:
        # As servers do: a connection of an earlier run that lingers is no reason to refuse.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            probe.listen(1)
        except PermissionError:
            raise CannotStart(
                f"Port {port.number} ({port.purpose}) may not be opened by this user:"
                f" set {port.variable} to a port above 1023."
            ) from None
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise CannotStart(
                    f"TRACESTORE_BIND={port.host!r} cannot be used: expected an address of this machine,"
                    " such as 127.0.0.1 or 0.0.0.0."
                ) from None
            return False
    return True
