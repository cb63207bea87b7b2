"""The target's side: `python -m tracestore.moving.receive BACK [FILE]`.

Makes the tables of this version in both of its databases, puts the metadata of FILE in if one is given, and writes all
metadata that are there then into BACK.

A process of its own, because it is another installation: its environment names the target's database.
"""

from __future__ import annotations

import sys
from pathlib import Path

import django


def main() -> int:
    django.setup()
    from django.core.management import call_command

    from tracestore.backup import metadata
    from tracestore.clickhouse import migrations
    from tracestore.errors import TracestoreError

    back, *given = (Path(word) for word in sys.argv[1:])
    try:
        call_command("migrate", interactive=False, verbosity=0)
        for migration in migrations.pending():
            migrations.apply(migration)
        for file in given:
            metadata.put_back(file, file)
        metadata.dump(back)
    except TracestoreError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
