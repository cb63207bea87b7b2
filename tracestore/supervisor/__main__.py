"""The order of a start: lock, ports, engine, migrations and first start, services, ready."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time

from tracestore import environment as environments
from tracestore import secrets as installation
from tracestore.environment import ROOT, Environment
from tracestore.supervisor import announce, instance, processes
from tracestore.supervisor.child import Child
from tracestore.supervisor.instance import CannotStart
from tracestore.supervisor.loop import Stopped, Supervisor

#: Lines of `manage.py bootstrap` that are shown; it also logs.
_STEPS = ("metadata: ", "clickhouse: ", "first start: ")
_RESULT = "bootstrap-result.json"


def main(arguments: list[str] | None = None) -> int:
    """Runs until Ctrl-C or SIGTERM; returns the exit code (1 when there was no start)."""
    parser = argparse.ArgumentParser(prog="manage.py up")
    parser.add_argument("--demo", action="store_true")
    options = parser.parse_args(arguments)
    environment = environments.read()
    try:
        held = instance.lock(environment.data_dir)
        instance.check_ports(processes.ports(environment))
        code = run(environment, demo=options.demo)
        held.close()
    except CannotStart as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    return code


def run(environment: Environment, *, demo: bool) -> int:
    began = time.monotonic()
    secrets = installation.load(environment)
    say(f"Tracestore keeps its data in {environment.data_dir}")
    with Supervisor(environment.data_dir / "logs", ROOT, say_with_time) as supervisor:
        try:
            engine = [supervisor.launch(processes.engine(environment, secrets))] if environment.embedded else []
            # The engine loads for a second or two; meanwhile bootstrap migrates the metadata, then waits for it.
            result = bootstrap(supervisor, environment, demo=demo)
            supervisor.await_ready(engine, say_ready)
            supervisor.await_ready([supervisor.launch(spec) for spec in processes.services(environment)], say_ready)
            if demo:
                supervisor.launch(processes.demo(environment, result.get("demo_key") or ""))
            say(f"Ready after {time.monotonic() - began:.1f} s.")
            say(announce.ready_text(environment, secrets, result.get("login_token"), demo=demo))
            supervisor.watch()
        except Stopped:
            pass
        say_with_time("Stopping: ingest first, so that all that was acknowledged is stored; then the rest.")
        began = time.monotonic()
        supervisor.stop()
        say_with_time(f"Stopped after {time.monotonic() - began:.1f} s.")
    return 0


def bootstrap(supervisor: Supervisor, environment: Environment, *, demo: bool) -> dict[str, str | None]:
    """Migrates and makes what a first start needs; returns the login token and the demo's key."""
    path = environment.data_dir / _RESULT
    path.unlink(missing_ok=True)
    spec = processes.bootstrap(environment, str(path), demo=demo)
    last: list[str] = []

    def show(line: str) -> None:
        if line.startswith(_STEPS):
            name, _, what = line.partition(": ")
            say_step(name, what)
        elif line.strip():
            last[:] = [*last[-14:], line]

    if supervisor.run_to_end(spec, show) != 0:
        raise CannotStart("The start-up steps failed. Their last lines:\n    " + "\n    ".join(last))
    try:
        result: dict[str, str | None] = json.loads(path.read_text())
    finally:
        path.unlink(missing_ok=True)  # it holds a login token
    return result


def say(text: str) -> None:
    """Prints for the operator; a closed terminal is no reason to end."""
    try:
        print(text, flush=True)
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (for the rest of the process's life)


def say_with_time(text: str) -> None:
    say(f"{time.strftime('%H:%M:%S')} {text}")


def say_step(name: str, what: str) -> None:
    say(f"  {name:<12}{what}")


def say_ready(child: Child) -> None:
    say_step(child.spec.name, f"ready in {time.monotonic() - child.started_at:.1f} s")


if __name__ == "__main__":
    sys.exit(main())
