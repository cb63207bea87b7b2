"""What a backup says of itself, and whether it is whole."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

from django.db.migrations.loader import MigrationLoader

from tracestore.clickhouse import migrations
from tracestore.errors import InvalidInput

FILE: Final = "manifest.json"
FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """`began_ns`: since the epoch. `rows`: of each table, copies that are not merged away included.

    `store` is the name of the copy in ClickHouse's `backups` folder if it stayed there, else ''.
    `key_fingerprint` tells whether two installations sign with the same secret, and nothing else.
    """

    format: int
    version: str
    began_ns: int
    clickhouse_version: str
    clickhouse_migrations: list[str]
    metadata_migrations: list[str]
    metadata: str
    store: str
    rows: dict[str, int]
    projects: int
    users: int
    key_fingerprint: str
    sha256: dict[str, str]


def write(folder: Path, manifest: Manifest) -> None:
    (folder / FILE).write_text(json.dumps(asdict(manifest), indent=1) + "\n")


def read(folder: Path) -> Manifest:
    """The manifest of a backup whose files are all there as they were written.

    Raises:
        InvalidInput: it is no backup, is damaged, or was made by a newer version.
    """
    try:
        found = json.loads((folder / FILE).read_text())
        if found["format"] != FORMAT:
            raise InvalidInput(f"{folder} has format {found['format']}, this version reads {FORMAT}: upgrade first.")
        manifest = Manifest(**{field.name: found[field.name] for field in fields(Manifest)})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{folder} is no backup: expected a folder with {FILE} in it.") from error
    for name, wanted in manifest.sha256.items():
        if "/" in name or not (folder / name).is_file() or digest(folder / name) != wanted:
            raise InvalidInput(f"The backup is damaged: {name} is missing or is not what was written.")
    newer = set(manifest.clickhouse_migrations) - {migration.name for migration in migrations.known()}
    newer -= migrations.RETIRED
    newer |= set(manifest.metadata_migrations) - metadata_migrations()
    if newer:
        raise InvalidInput(f"The backup is of a newer version ({', '.join(sorted(newer)[:3])}): upgrade first.")
    return manifest


def metadata_migrations() -> set[str]:
    """Those of this version, as `app.name`."""
    return {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(secret_key: str) -> str:
    return hmac.new(secret_key.encode(), b"tracestore backup", hashlib.sha256).hexdigest()[:16]
