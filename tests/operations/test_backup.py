"""What a backup says of itself, and metadata that are no SQLite: by rows."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from tracestore import keys
from tracestore.backup import manifest, metadata
from tracestore.backup.manifest import Manifest
from tracestore.clickhouse import store_backup
from tracestore.errors import InvalidInput
from tracestore.models import ApiKey, Lease, Membership, Project

MADE = Manifest(
    format=1, version="0.1.0", began_ns=1, clickhouse_version="26.9", clickhouse_migrations=["0001_stored_spans.sql"],
    metadata_migrations=["tracestore.0001_initial"], metadata="metadata.sqlite3", store="", rows={"stored_spans": 3},
    projects=1, users=1, key_fingerprint="0", sha256={},
)  # fmt: skip


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("content")
    made = replace(MADE, sha256={"a": manifest.digest(tmp_path / "a")})
    manifest.write(tmp_path, made)
    assert manifest.read(tmp_path) == made


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sha256": {"a": "0" * 64}}, "damaged"),
        ({"sha256": {"missing": "0" * 64}}, "damaged"),
        ({"sha256": {"../a": "0" * 64}}, "damaged"),
        ({"format": 2}, "upgrade first"),
        ({"clickhouse_migrations": ["9999_of_the_future.sql"]}, "9999_of_the_future.sql"),
        ({"metadata_migrations": ["tracestore.9999_of_the_future"]}, "upgrade first"),
    ],
)
def test_what_cannot_be_restored_is_refused(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    (tmp_path / "a").write_text("content")
    manifest.write(tmp_path, replace(MADE, **changes))  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=said):
        manifest.read(tmp_path)


def test_a_folder_without_a_manifest_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no backup"):
        manifest.read(tmp_path)


@pytest.mark.parametrize("name", ["../x.tar", "x", "x.tar'", "X.tar", ""])
def test_names_that_would_leave_the_folder_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="no name of a copy"):
        store_backup.copy(name)


@pytest.mark.django_db
def test_metadata_by_rows(tmp_path: Path) -> None:
    project = Project.objects.create(slug="shop", name="Shop")
    user = User.objects.create_user("ada", password="a long password")
    Membership.objects.create(user=user, project=project, role="owner")
    key = keys.create(project, "sender", scopes=("ingest",))
    Lease.objects.create(name="settle_traces", holder="x")
    file = tmp_path / metadata.ROWS
    metadata.dump(file)
    kinds = {row["model"] for row in json.loads(gzip.decompress(file.read_bytes()))}
    assert "tracestore.lease" not in kinds
    assert "sessions.session" not in kinds

    with pytest.raises(InvalidInput, match="not empty"):
        metadata.put_back(file, tmp_path / "unused")
    for model in (ApiKey, Membership, User, Lease, Project):
        model.objects.all().delete()
    metadata.put_back(file, tmp_path / "unused")
    assert Membership.objects.get().project.slug == "shop"
    assert User.objects.get().check_password("a long password")
    assert ApiKey.objects.get().digest == keys.digest(key)
    assert not Lease.objects.exists()
