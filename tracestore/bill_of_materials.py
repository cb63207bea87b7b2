"""What an installation consists of, as a CycloneDX 1.6 document: Tracestore and every package installed beside it.

Names and versions as the packages themselves say (importlib.metadata), so it needs no network and tells of this very
machine. Form: https://cyclonedx.org/docs/1.6/json/. Vendored scripts: dashboard/static/dashboard/vendor/VENDOR.md.
"""

from __future__ import annotations

import re
from importlib import metadata
from typing import Any

from tracestore import versions


def document() -> dict[str, Any]:
    """The bill, packages by name. The same for the same installation: no time, no serial number."""
    found = {normal(one.metadata["Name"]): one for one in metadata.distributions() if one.metadata["Name"]}
    found.pop("tracestore", None)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": component("tracestore", versions.tracestore(), "application")},
        "components": [component(name, one.version, "library", licence(one)) for name, one in sorted(found.items())],
    }


def component(name: str, version: str, kind: str, said: str = "") -> dict[str, Any]:
    purl = f"pkg:pypi/{name}@{version}"
    made = {"type": kind, "name": name, "version": version, "purl": purl, "bom-ref": purl}
    return made | ({"licenses": [{"license": {"name": said}}]} if said else {})


def licence(one: metadata.Distribution) -> str:
    """What the package says of its licence, in a word or two; '' where it puts a whole text there, or nothing."""
    told = one.metadata.json
    said = str(told.get("license_expression") or told.get("license") or "").strip()
    return said if said and "\n" not in said and len(said) <= 100 else ""


def normal(name: str) -> str:
    """As PyPI compares names (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
