"""Ports for processes that tests and benchmarks start, chosen before anything listens on them."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Final

#: Below what Linux gives to outgoing connections (ip_local_port_range, from 32,768): one of those would take a port
#: between its choice and the moment somebody listens on it.
FIRST: Final = 20_000
LAST: Final = 32_000
#: Parts of the range, so that processes that choose at the same time choose different ones.
PARTS: Final = 6


def candidates() -> Iterator[int]:
    """All ports of this process's part, in turn. A second run beside this one begins elsewhere."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", f"gw{PARTS - 1}")
    size = (LAST - FIRST) // PARTS
    begin = FIRST + int(worker.removeprefix("gw")) % PARTS * size
    place = random.randrange(size)
    while True:
        yield begin + place
        place = (place + 1) % size


_candidates = candidates()


def listenable(port: int) -> bool:
    with closing(socket.socket()) as probe:
        # As servers do: what is left of closed connections is in nobody's way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_ports(number: int) -> list[int]:
    """So many that nobody listens on and that were not given before."""
    return list(islice(filter(listenable, _candidates), number))


def free_port() -> int:
    return free_ports(1)[0]
