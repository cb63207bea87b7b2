"""`manage.py export`: a table of a project as a file, from the shell."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tracestore import audit
from tracestore.clickhouse import exporting
from tracestore.clickhouse.exporting import Export
from tracestore.errors import TracestoreError
from tracestore.models import Project
from tracestore.moments import parse_time

ACTOR: Final = audit.Actor("manage.py export", "command")


class Command(BaseCommand):
    help = """Writes a table of a project into a file, as the store produces it.

The file appears when it is whole: it is written beside under another name and renamed at the end, so
a run that was cut off leaves no half file. Progress is told on stderr.

Examples:
  manage.py export tool_calls --since 30d --output audit.parquet
  manage.py export llm_calls --project shop --since 2026-11-01 --until 2026-12-01 --output november.csv
  manage.py export spans --columns trace_id,name,cost_usd --format jsonl --output - | jq ."""

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("table", choices=exporting.TABLES, metavar="TABLE", help=", ".join(exporting.TABLES))
        parser.add_argument("--project", default="default", help="slug of the project (default: default)")
        parser.add_argument(
            "--since", default="", help="rows that began at or after this time, such as 24h or 2026-11-01"
        )
        parser.add_argument("--until", default="", help="rows that began before this time")
        parser.add_argument("--columns", default="", help="names with commas between (default: all)")
        parser.add_argument("--output", required=True, help="the file, or - for stdout")
        parser.add_argument("--format", choices=exporting.FORMATS, help="default: by the file's ending, else parquet")

    def handle(self, *args: Any, **options: Any) -> None:
        output = options["output"]
        ending = Path(output).suffix.removeprefix(".")
        chosen = options["format"] or (ending if ending in exporting.FORMATS else "parquet")
        project = options["project"]
        if not Project.objects.filter(slug=project).exists():
            raise CommandError(f"There is no project {project!r}.")
        try:
            wanted = Export(
                options["table"],
                chosen,
                parse_time(options["since"], "since") if options["since"] else None,
                parse_time(options["until"], "until") if options["until"] else None,
                [name.strip() for name in options["columns"].split(",") if name.strip()],
            )
            exporting.check(wanted)
            asked = {name: options[name] for name in ("since", "until", "columns") if options[name]}
            audit.record(
                "export.downloaded", project=project, subject=f"{wanted.table}/{chosen}", detail=asked, actor=ACTOR
            )
            chunks = self.told(exporting.stream(project, wanted))
            if output == "-":
                write(sys.stdout.buffer, chunks)
            else:
                write_whole(Path(output), chunks)
        except TracestoreError as error:
            raise CommandError(error.message) from error
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}.") from error

    def told(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The same chunks; how far it is goes to stderr, in place on a terminal and once elsewhere."""
        begun = said = time.monotonic()
        size = 0
        for chunk in chunks:
            size += len(chunk)
            now = time.monotonic()
            if self.stderr.isatty() and now - said >= 0.2:
                said = now
                self.stderr.write(f"\r{size / 1e6:,.1f} MB, {size / 1e6 / (now - begun):,.1f} MB/s", ending="")
            yield chunk
        seconds = time.monotonic() - begun
        self.stderr.write(f"{chr(13) if self.stderr.isatty() else ''}{size / 1e6:,.1f} MB in {seconds:,.1f} s")


def write(file: BinaryIO, chunks: Iterator[bytes]) -> None:
    for chunk in chunks:
        file.write(chunk)
    file.flush()


def write_whole(path: Path, chunks: Iterator[bytes]) -> None:
    """Writes the file beside its place and moves it there when it is whole and on the disk."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            write(file, chunks)
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~umask())  # as any new file, not as a temporary one
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current
