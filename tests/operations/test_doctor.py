"""`doctor` finds what is wrong; that a well one is called well says tests/e2e/test_operations.py."""

from __future__ import annotations

import shutil
import socket
from collections import namedtuple
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.utils import timezone

from tracestore.alerts.models import Channel
from tracestore.clickhouse import client
from tracestore.doctor import check, machine, services
from tracestore.doctor.check import Check, State
from tracestore.environment import Environment
from tracestore.errors import Unavailable
from tracestore.leases import SETTLING_SECONDS
from tracestore.models import Lease, Project
from tracestore.supervisor import instance

NOW = timezone.now()


@pytest.fixture
def values(tmp_path: Path) -> Environment:
    return replace(settings.ENVIRONMENT, data_dir=tmp_path)


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "ok"),
        ({"bind": "0.0.0.0", "require_api_key": False}, "bad"),
        ({"bind": "0.0.0.0", "require_api_key": True}, "warn"),
        ({"bind": "0.0.0.0", "require_api_key": True, "allowed_hosts": ("a.example",)}, "ok"),
        ({"debug": True}, "warn"),
    ],
)
def test_variables_that_go_badly_together(values: Environment, changes: dict[str, object], state: State) -> None:
    assert machine.environment(replace(values, **changes))[0] == state  # type: ignore[arg-type]


@pytest.mark.parametrize(("free", "state"), [(100, "ok"), (3, "warn"), (0.5, "bad")])
def test_room_in_the_data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: float, state: State) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1, 1, int(free * machine.GIB)))
    assert machine.data_directory(tmp_path)[0] == state


def test_secrets_that_others_may_read(tmp_path: Path) -> None:
    assert machine.secret_file(tmp_path)[0] == "warn"
    file = tmp_path / "secrets.json"
    file.write_text("{}")
    file.chmod(0o640)
    state, _, mend = machine.secret_file(tmp_path)
    assert (state, f"chmod 600 {file}" in mend) == ("bad", True)
    file.chmod(0o600)
    assert machine.secret_file(tmp_path)[0] == "ok"


def test_whether_it_runs(values: Environment) -> None:
    assert machine.processes(values)[0] == "bad"
    with instance.lock(values.data_dir):
        assert machine.processes(values)[0] == "ok"
    assert machine.processes(values)[0] == "bad"


def test_ports(values: Environment) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as freed:
        port, free = taken.getsockname()[1], freed.getsockname()[1]
        freed.close()
        values = replace(values, otlp_grpc_port=free, otlp_http_port=free, clickhouse_port=free, web_port=free)
        assert machine.ports(values, running=False)[0] == "ok"
        assert machine.ports(values, running=True)[0] == "bad"
        state, said, _ = machine.ports(replace(values, web_port=port), running=False)
        assert (state, "TRACESTORE_WEB_PORT" in said, "GRPC" in said) == ("bad", True, False)
        assert machine.ready(f"http://127.0.0.1:{free}")[0] == "bad"
        assert machine.public_url(replace(values, public_url=f"http://127.0.0.1:{free}"))[0] == "warn"
        assert services.smtp(f"smtp://127.0.0.1:{free}")[0] == "bad"


@pytest.mark.django_db
def test_a_worker_that_is_silent() -> None:
    assert services.worker()[0] == "bad"
    Lease.objects.create(name="settle_traces", expires_at=NOW + timedelta(seconds=SETTLING_SECONDS - 90))
    state, said, _ = services.worker(NOW)
    assert (state, "90 s" in said) == ("bad", True)


@pytest.mark.django_db
@pytest.mark.parametrize(("behind", "state"), [(0, "ok"), (3, "warn")])
def test_a_worker_that_is_at_work(monkeypatch: pytest.MonkeyPatch, behind: int, state: State) -> None:
    monkeypatch.setattr(client, "run", lambda query: SimpleNamespace(result_rows=[(behind,)]))
    Lease.objects.create(name="settle_traces", expires_at=NOW + timedelta(seconds=SETTLING_SECONDS - 2))
    assert services.worker(NOW)[0] == state


@pytest.mark.django_db
def test_retention_that_does_not_run() -> None:
    assert services.retention(NOW)[0] == "ok"
    Lease.objects.create(name="expire_data", expires_at=NOW - timedelta(hours=3))
    assert services.retention(NOW)[0] == "warn"


@pytest.mark.django_db
def test_channels_that_do_not_work() -> None:
    assert services.channels()[0] == "ok"
    project = Project.objects.create(slug="shop", name="Shop")
    channel = Channel.objects.create(project=project, name="pager", kind="webhook", failures=2)
    assert services.channels()[0] == "warn"
    Channel.objects.filter(pk=channel.pk).update(enabled=False, disabled_reason="The receiver said 404.")
    state, said, _ = services.channels()
    assert (state, "pager: The receiver said 404." in said) == ("bad", True)
    Channel.objects.filter(pk=channel.pk).update(disabled_reason="")  # switched off by a person
    assert services.channels()[0] == "ok"
    assert services.smtp(None)[0] == "ok"
    Channel.objects.create(project=project, name="mail", kind="email")
    assert services.smtp(None)[0] == "bad"


@pytest.mark.parametrize(
    ("free_gib", "week_gib", "days", "state"),
    [(100, 7, 7, "ok"), (10, 7, 7, "warn"), (2, 7, 7, "bad"), (2, 0, 1, "ok"), (10, 1, 1, "warn")],
)
def test_forecast(monkeypatch: pytest.MonkeyPatch, free_gib: int, week_gib: int, days: int, state: State) -> None:
    row = ((free_gib * machine.GIB, 200 * machine.GIB), week_gib * machine.GIB, days)
    monkeypatch.setattr(client, "run", lambda query: SimpleNamespace(result_rows=[row]))
    assert services.disk()[0] == state


@pytest.mark.parametrize(("ahead", "state"), [(0.0, "ok"), (5.0, "warn"), (-90.0, "bad")])
def test_clocks(monkeypatch: pytest.MonkeyPatch, ahead: float, state: State) -> None:
    import time

    def run(query: str) -> SimpleNamespace:
        return SimpleNamespace(result_rows=[("26.9.1", (time.time() + ahead) * 1e6)])

    monkeypatch.setattr(client, "run", run)
    assert services.clock()[0] == state


@pytest.mark.parametrize(("found", "state"), [("26.9.7.1", "ok"), ("25.3.2.1", "warn")])
def test_version_line(monkeypatch: pytest.MonkeyPatch, found: str, state: State) -> None:
    monkeypatch.setattr(client, "run", lambda query: SimpleNamespace(result_rows=[(found, 0)]))
    assert services.store()[0] == state


def test_a_check_that_fails_takes_no_other_down() -> None:
    def away() -> tuple[State, str, str]:
        raise Unavailable("The store does not answer.")

    def broken() -> tuple[State, str, str]:
        raise KeyError("secret detail")

    results = check.run([Check("a", away), Check("b", broken), Check("c", lambda: ("ok", "Well.", ""))])
    assert [result.state for result in results] == ["bad", "bad", "ok"]
    assert "secret detail" not in str(results)
