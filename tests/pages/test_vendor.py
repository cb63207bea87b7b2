"""Vendored files are what VENDOR.md says they are."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from plotly.offline import get_plotlyjs_version

from dashboard.design import generate

VENDOR = generate.TARGET.parent.parent / "vendor"
FOR_TESTS = Path(__file__).resolve().parents[1] / "e2e" / "vendor"


@pytest.mark.parametrize("folder", [VENDOR, FOR_TESTS], ids=["served", "for tests"])
def test_checksums(folder: Path) -> None:
    table = dict(re.findall(r"\| `([^`]+\.js)` .*`([0-9a-f]{64})` \|", (folder / "VENDOR.md").read_text("utf-8")))
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.js")}
    assert files
    assert table == files


def test_the_browser_draws_with_the_version_that_the_figures_are_made_for() -> None:
    version = get_plotlyjs_version()
    [path] = VENDOR.glob("plotly-cartesian-*.min.js")
    assert path.name == f"plotly-cartesian-{version}.min.js"
    assert f"plotly.js (cartesian - minified) v{version}".encode() in path.read_bytes()[:200]
    scripts = VENDOR.parent.parent.parent / "templates" / "dashboard" / "parts" / "chart_scripts.html"
    assert path.name in scripts.read_text("utf-8")
