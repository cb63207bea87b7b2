"""Commands that change something stand in the audit log, under their own name."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import DatabaseError

from tests.audit.test_trail import broken
from tests.audit.test_trail import project as project
from tracestore import audit, keys
from tracestore.models import ApiKey, AuditEntry, Project

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out, stderr=io.StringIO())
    return out.getvalue().strip()


def test_keys(project: Project) -> None:
    key = run("api_keys", "create", "checkout", "--scopes", "read", "sql")
    prefix = ApiKey.objects.get().prefix
    run("api_keys", "rotate", prefix, "--overlap", "1h")
    run("api_keys", "revoke", ApiKey.objects.latest("pk").prefix)
    found = list(AuditEntry.objects.order_by("pk"))
    assert [one.action for one in found] == ["key.created", "key.rotated", "key.revoked"]
    assert {(one.actor, one.actor_kind, one.organisation) for one in found} == {
        ("manage.py api_keys", "command", "acme")
    }
    assert (found[0].subject, found[0].detail) == (prefix, {"name": "checkout", "scopes": ["read", "sql"]})
    assert key not in str([vars(one) for one in found])


def test_limits_and_rules(project: Project, tmp_path: Path) -> None:
    run("project_limits", "default", "--spans-per-second", "7")
    run("project_limits")
    file = tmp_path / "rules.yaml"
    run("alert_rules", "export", "--output", str(file))
    run("alert_rules", "apply", str(file), "--dry-run")
    run("alert_rules", "apply", str(file))
    assert [(one.action, one.project) for one in AuditEntry.objects.order_by("pk")] == [
        ("limits.changed", "default"), ("rules.applied", "default"),
    ]  # fmt: skip
    assert AuditEntry.objects.get(action="limits.changed").detail["spans_per_second"] == 7


def test_a_command_that_cannot_be_recorded_changes_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "record", broken)
    with pytest.raises(DatabaseError):
        run("api_keys", "create", "checkout")
    assert not ApiKey.objects.exists()
    keys._cache.clear()
