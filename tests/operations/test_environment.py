"""The environment: defaults that follow from the bind address, and one sentence for a bad value."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracestore import environment


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRACESTORE_DATA_DIR", str(tmp_path))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("TRACESTORE_WEB_PORT", "http", "a TCP port"),
        ("TRACESTORE_OTLP_GRPC_PORT", "0", "a TCP port"),
        ("TRACESTORE_OTLP_HTTP_PORT", "65536", "a TCP port"),
        ("TRACESTORE_CLICKHOUSE_PORT", "-1", "a TCP port"),
        ("TRACESTORE_REQUIRE_API_KEY", "maybe", "true or false"),
        ("TRACESTORE_ALLOW_PRIVATE_WEBHOOKS", "2", "true or false"),
        ("TRACESTORE_CLICKHOUSE_URL", "localhost:8123", "http://"),
        ("TRACESTORE_CLICKHOUSE_URL", "http://", "http://"),
        ("TRACESTORE_CLICKHOUSE_CLUSTER", "a b", "a name of letters"),
        ("TRACESTORE_CLICKHOUSE_CLUSTER", "main", "while TRACESTORE_CLICKHOUSE_URL is unset"),
        ("TRACESTORE_DATABASE_URL", "mysql://x/y", "postgresql://"),
        ("TRACESTORE_BROKER_URL", "amqp://x", "redis://"),
        ("TRACESTORE_INGEST_PROCESSES", "0", "a whole number from 1 to 64"),
        ("TRACESTORE_INGEST_PROCESSES", "two", "a whole number"),
        ("TRACESTORE_REQUIRE_MFA", "everybody", "one of false, admins, true"),
        ("TRACESTORE_PASSWORD_LOGIN", "false", "TRACESTORE_OIDC_ISSUER"),
        ("TRACESTORE_OIDC_ISSUER", "login.example.org", "https://"),
        ("TRACESTORE_OIDC_ISSUER", "http://login.example.org", "https://, except on this machine"),
        ("TRACESTORE_OIDC_CLIENT_ID", "tracestore", "TRACESTORE_OIDC_ISSUER"),
    ],
)
def test_a_bad_value_ends_the_start_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(environment.BadEnvironment) as stopped:
        environment.read()
    sentence = str(stopped.value)
    assert name in sentence
    assert expected in sentence
    assert "\n" not in sentence


def test_a_file_is_no_data_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "taken"
    file.touch()
    monkeypatch.setenv("TRACESTORE_DATA_DIR", str(file))
    with pytest.raises(environment.BadEnvironment, match="TRACESTORE_DATA_DIR"):
        environment.read()


@pytest.mark.parametrize(
    ("bind", "loopback"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("::1", True),
        ("127.8.8.8", True),
        ("0.0.0.0", False),
        ("10.0.0.4", False),
    ],
)
def test_beyond_loopback_keys_are_required(monkeypatch: pytest.MonkeyPatch, bind: str, loopback: bool) -> None:
    monkeypatch.setenv("TRACESTORE_BIND", bind)
    found = environment.read()
    assert found.require_api_key is not loopback
    assert found.allow_private_webhooks is loopback


def test_empty_values_are_as_if_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TRACESTORE_WEB_PORT", "TRACESTORE_CLICKHOUSE_URL", "TRACESTORE_API_KEY", "TRACESTORE_DEBUG"):
        monkeypatch.setenv(name, "")
    found = environment.read()
    assert (found.web_port, found.clickhouse_url, found.api_key, found.debug) == (8000, None, None, False)


OIDC = {"TRACESTORE_OIDC_ISSUER": "https://login.example.org/", "TRACESTORE_OIDC_CLIENT_ID": "tracestore"}


def test_the_identity_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.read().oidc is None
    for name, value in OIDC.items():
        monkeypatch.setenv(name, value)
    found = environment.read().oidc
    assert found is not None
    assert (found.issuer, found.role, found.organisation) == ("https://login.example.org", "viewer", "default")
    assert (found.domains, found.match_email, found.name) == ((), False, "single sign-on")
    monkeypatch.setenv("TRACESTORE_OIDC_DOMAINS", "Example.org, example.com")
    monkeypatch.setenv("TRACESTORE_PASSWORD_LOGIN", "false")
    found = environment.read().oidc
    assert found is not None
    assert found.domains == ("example.org", "example.com")
    assert environment.read().password_login is False


@pytest.mark.parametrize(("written", "role"), [("member", "member"), ("none", ""), ("", ""), (" ", "")])
def test_a_role_that_is_left_empty_gives_none(monkeypatch: pytest.MonkeyPatch, written: str, role: str) -> None:
    for name, value in OIDC.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TRACESTORE_OIDC_ROLE", written)
    found = environment.read().oidc
    assert found is not None
    assert found.role == role


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("TRACESTORE_OIDC_CLIENT_ID", "", "the client id"),
        ("TRACESTORE_OIDC_ROLE", "owner", "one of viewer, member, admin, none"),
        ("TRACESTORE_OIDC_DOMAINS", "ada@example.org", "domains such as example.org"),
        ("TRACESTORE_OIDC_MATCH_EMAIL", "perhaps", "true or false"),
    ],
)
def test_a_bad_value_of_the_identity_provider(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    for known, given in OIDC.items():
        monkeypatch.setenv(known, given)
    test_a_bad_value_ends_the_start_in_one_sentence(monkeypatch, name, value, expected)
