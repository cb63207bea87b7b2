"""B17: the settings of the served form, as a process that is started so has them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tracestore.environment import ROOT

PROGRAM = """
import json, django
django.setup()
from django.conf import settings as s
from django.test import Client
names = ["DEBUG", "ALLOWED_HOSTS", "SESSION_COOKIE_NAME", "SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY",
    "SESSION_COOKIE_SAMESITE", "CSRF_COOKIE_NAME", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS", "SESSION_COOKIE_DOMAIN"]
tls = Client(headers={"host": "traces.example", "x-forwarded-proto": "https"}).get("/login/")
print(json.dumps({name: getattr(s, name) for name in names} | {
    "key required": s.ENVIRONMENT.require_api_key, "private webhooks": s.ENVIRONMENT.allow_private_webhooks,
    "hsts": tls["Strict-Transport-Security"], "cookie": str(tls.cookies)}))
"""


@pytest.fixture
def served(tmp_path: Path) -> dict[str, str]:
    return os.environ | {
        "TRACESTORE_BIND": "0.0.0.0",
        "TRACESTORE_ALLOWED_HOSTS": "traces.example",
        "TRACESTORE_DATA_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "tracestore.settings",
    }


def test_check_deploy_is_clean(served: dict[str, str]) -> None:
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(command, cwd=ROOT, env=served, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "no issues (3 silenced)" in done.stdout, "whatever is silenced is argued for in tracestore/settings.py"


def test_what_the_served_form_holds_to(served: dict[str, str]) -> None:
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, cwd=ROOT, env=served, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["DEBUG"] is False
    assert "*" not in found["ALLOWED_HOSTS"]
    assert found["SESSION_COOKIE_SECURE"] is found["SESSION_COOKIE_HTTPONLY"] is found["CSRF_COOKIE_SECURE"] is True
    assert found["SESSION_COOKIE_SAMESITE"] == "Lax"
    assert found["key required"] is True
    assert found["private webhooks"] is False
    assert found["SECURE_HSTS_SECONDS"] >= 30 * 86_400
    assert found["hsts"].startswith("max-age=")
    # What the prefix asks of a cookie, or browsers throw it away.
    assert found["SESSION_COOKIE_NAME"].startswith("__Host-")
    assert found["CSRF_COOKIE_NAME"].startswith("__Host-")
    assert found["SESSION_COOKIE_DOMAIN"] is None
    assert "__Host-csrftoken=" in found["cookie"]
    assert "Path=/" in found["cookie"]
    assert "Secure" in found["cookie"]
