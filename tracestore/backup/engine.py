"""An engine for a moment, when none runs: a backup of what is stopped, a restore into what is new."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from tracestore.clickhouse import client
from tracestore.errors import Unavailable
from tracestore.supervisor import instance, parent_death, processes
from tracestore.supervisor.instance import CannotStart


@contextmanager
def alone() -> Iterator[None]:
    """Holds the data directory and runs its engine on the usual port.

    Raises:
        Unavailable: another `up` runs, the port is taken, or the engine does not start.
    """
    environment = settings.ENVIRONMENT
    try:
        held = instance.lock(environment.data_dir)
    except CannotStart as error:
        raise Unavailable(str(error)) from error
    with held:
        try:
            instance.check_ports([port for port in processes.ports(environment) if port.purpose == "SQL"])
        except CannotStart as error:
            raise Unavailable(str(error)) from error
        spec = processes.engine(environment, settings.SECRETS)
        with subprocess.Popen(
            [sys.executable, *spec.words],
            env=dict(spec.environ),
            stdout=subprocess.PIPE,
            start_new_session=True,
            # Else an engine would go on by itself, with the port and the data, after `kill -9` of this command.
            preexec_fn=parent_death.die_with_parent() if parent_death.kernel_kills_orphans() else None,
        ) as process:
            try:
                if process.stdout is None or not process.stdout.readline().startswith(b"ready"):
                    raise Unavailable("The engine did not start; what it said stands above.")
                yield
            finally:
                client.reset()
                process.terminate()
