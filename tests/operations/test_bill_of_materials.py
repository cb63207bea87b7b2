"""The bill of materials names what is installed."""

from __future__ import annotations

import io
import json
from importlib import metadata

from django.core.management import call_command


def test_it_names_every_installed_package_with_its_version() -> None:
    out = io.StringIO()
    call_command("bill_of_materials", stdout=out)
    bill = json.loads(out.getvalue())
    assert (bill["bomFormat"], bill["metadata"]["component"]["name"]) == ("CycloneDX", "tracestore")
    versions = {one["name"]: one["version"] for one in bill["components"]}
    for name in ("django", "chdb", "clickhouse-connect", "grpcio", "pyyaml"):
        assert versions[name] == metadata.version(name)
    assert len(bill["components"]) == len({one["bom-ref"] for one in bill["components"]}) > 50
