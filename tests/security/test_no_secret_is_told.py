"""B15: secrets of the installation itself, seeded, used, made to fail, and looked for in every log line and file."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from django.conf import settings as django_settings
from django.test import Client

from tests.security.conftest import by_key
from tests.security.openapi import operations
from tests.security.things import World
from tracestore import first_start, keys, secrets
from tracestore.alerts.models import Channel
from tracestore.clickhouse import client
from tracestore.models import ApiKey, Project
from tracestore.secrets import Secrets

KEY = "ts_seeded-key-0123456789abcdefghij"
PASSWORD = "seeded-admin-password"
SQL = "seeded-sql-password"
CHANNEL = "seeded-channel-secret"
ENGINE = "seeded-engine-password"
SEEDED = (KEY, PASSWORD, SQL, CHANNEL, ENGINE)


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    """Everything that is logged while the test runs, in the form in which it is written."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    formatter = next(
        one.formatter for one in logging.getLogger().handlers
        if isinstance(one.formatter, structlog.stdlib.ProcessorFormatter)
    )  # fmt: skip
    handler.setFormatter(formatter)
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield written
    root.removeHandler(handler)
    root.setLevel(before)


def test_no_secret_in_logs(world: World, said: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    Project.objects.get_or_create(slug=first_start.PROJECT)  # the key of the environment is this one's
    environment = replace(django_settings.ENVIRONMENT, admin_password=PASSWORD, api_key=KEY, sql_password=SQL)
    first_start.prepare(environment)
    Channel.objects.create(
        project=world.project, name="seeded", kind="webhook",
        config={"url": f"https://user:{CHANNEL}@receiver.example/", "secret": CHANNEL, "token": CHANNEL},
    )  # fmt: skip
    with_key = Client(headers={"authorization": f"Bearer {KEY}"}, raise_request_exception=False)
    assert with_key.get("/api/v1/traces/").status_code == 200
    for sent in ({"x-api-key": KEY + "x"}, {"authorization": KEY}, {"authorization": f"Basic {KEY}"}):
        Client(headers=sent).get("/api/v1/traces/")
    for password in (PASSWORD, PASSWORD + "x"):
        Client().post("/login/", {"username": "admin", "password": password})
    owner = by_key(world.project)
    for operation in operations():
        if operation.method == "get":
            body = owner.get(operation.address(world.places(operation)))
            assert body.streaming or not any(secret.encode() in body.content for secret in SEEDED), operation.id

    # Whatever fails says why, and not with what.
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(keys, "digest", fails)
    assert with_key.get("/api/v1/traces/").status_code == 500
    monkeypatch.undo()
    monkeypatch.setattr(django_settings, "SECRETS", Secrets("s", ENGINE, SQL))
    client.reset()
    assert owner.get("/api/v1/traces/").status_code in (401, 503)
    assert owner.get("/readyz").status_code == 503
    monkeypatch.undo()
    client.reset()
    # The digest's key was replaced above and is back: the seeded key is still one.
    assert with_key.get("/api/v1/traces/").status_code == 200

    logged = said.getvalue()
    assert "broken" in logged, "or nothing was listened to"
    assert [secret for secret in SEEDED if secret in logged] == []


def test_no_secret_of_the_environment_in_the_data_directory(
    db: None, tmp_path: Path, said: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = replace(
        django_settings.ENVIRONMENT, data_dir=tmp_path, admin_password=PASSWORD, api_key=KEY, sql_password=SQL,
        secret_key=ENGINE,
    )  # fmt: skip
    secrets.load(environment)
    first_start.prepare(environment)
    from django.contrib.auth.models import User
    from django.core import serializers

    rows = serializers.serialize("json", [*ApiKey.objects.all(), *User.objects.all()])
    files = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert ApiKey.objects.filter(digest=keys.digest(KEY)).exists()
    assert [secret for secret in SEEDED if secret in rows + files + said.getvalue()] == []
