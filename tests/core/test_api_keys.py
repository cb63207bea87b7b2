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


def test_a_key_is_rotated_with_an_overlap() -> None:
    old = run("create", "checkout", "--project", "shop", "--scopes", "ingest").strip()
    new = run("rotate", old[:8], "--overlap", "90m").strip()
    assert keys.identify(old)
    assert keys.identify(new)
    assert ApiKey.objects.get(digest=keys.digest(old)).expires_at is not None
    ApiKey.objects.filter(digest=keys.digest(old)).update(expires_at=timezone.now())
    keys._cache.clear()
    assert keys.identify(old) is None
    with pytest.raises(CommandError, match="is expired"):
        run("rotate", old[:8])


def test_an_overlap_never_makes_a_key_last_longer(project: Project) -> None:
    soon = timezone.now() + timedelta(minutes=5)
    key = keys.create(project, "brief", expires_at=soon)
    keys.rotate(ApiKey.objects.get(digest=keys.digest(key)), timedelta(days=1))
    assert [row.expires_at for row in ApiKey.objects.all()] == [soon, soon]


def test_the_last_use_is_noted_once_a_minute(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "CACHE_SECONDS", 0)
    key = keys.create(project, "used")
    assert "never used" in run("list")
    keys.identify(key)
    first = ApiKey.objects.get().last_used_at
    keys.identify(key)
    assert ApiKey.objects.get().last_used_at == first
    assert "never used" not in run("list")
