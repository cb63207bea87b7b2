from __future__ import annotations

import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.alerts.notify.receivers import HttpReceiver, MailReceiver, http_receiver, mail_receiver

Environment = Callable[..., None]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Environment:
    """Sets what an operator sets."""

    def change(**values: Any) -> None:
        monkeypatch.setattr(settings, "ENVIRONMENT", replace(settings.ENVIRONMENT, **values))

    return change


@pytest.fixture
def public_only(environment: Environment) -> None:
    """As on an installation that is open to the network."""
    environment(allow_private_webhooks=False)


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with http_receiver() as made:
        yield made


@pytest.fixture
def mails(environment: Environment) -> Iterator[MailReceiver]:
    with mail_receiver() as made:
        environment(smtp_url=made.url, email_from="tracestore@example.org")
        yield made


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and certificate for hooks.example.org, signed by itself."""
    where = tmp_path_factory.mktemp("tls") / "both.pem"
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=hooks.example.org", "-addext", "subjectAltName=DNS:hooks.example.org",
         "-keyout", "-", "-out", "-"],
        capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("openssl makes no certificate here")
    where.write_bytes(made.stdout)
    return where


def tls(certificate: Path, asked: list[str]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _, name, __: asked.append(name)
    return context
