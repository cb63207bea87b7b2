"""API keys: made once, found by digest, ended for good."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tracestore import keys
from tracestore.models import ApiKey, Project

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def project() -> Project:
    keys._cache.clear()
    return Project.objects.create(slug="shop", name="Shop")


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("api_keys", *arguments, stdout=out)
    return out.getvalue()


def test_a_made_key_works_and_is_stored_only_as_a_digest() -> None:
    key = run("create", "notebook", "--scopes", "read", "sql", "--project", "shop").strip()
    identity = keys.identify(key)
    assert identity is not None
    assert (identity.project, identity.scopes) == ("shop", {"read", "sql"})
    row = ApiKey.objects.get()
    assert key not in (row.digest, row.prefix, row.name)
    assert key not in run("list")
    assert row.prefix in run("list")


def test_an_unknown_key_is_nobody() -> None:
    assert keys.identify("ts_nobody") is None
    assert keys.identify("") is None
    assert keys.identify("\udfff\x00") is None


def test_a_revoked_key_ends_with_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    key = run("create", "old", "--project", "shop").strip()
    assert keys.identify(key)
    assert "revoked" in run("revoke", key[:8])
    monkeypatch.setattr(keys, "CACHE_SECONDS", 0)
    assert keys.identify(key) is None


def test_an_expired_key_is_nobody(project: Project) -> None:
    key = keys.create(project, "brief")
    ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert keys.identify(key) is None


def test_errors_say_what_to_do() -> None:
    with pytest.raises(CommandError, match="Projects: shop"):
        run("create", "x", "--project", "nowhere")
    with pytest.raises(CommandError, match="0 active keys"):
        run("revoke", "ts_none")
