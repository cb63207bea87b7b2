"""Vendored files are what VENDOR.md says they are."""

from __future__ import annotations

import hashlib
import re

from dashboard.design import generate

VENDOR = generate.TARGET.parent.parent / "vendor"


def test_checksums() -> None:
    table = dict(re.findall(r"\| `([^`]+\.js)` .*`([0-9a-f]{64})` \|", (VENDOR / "VENDOR.md").read_text("utf-8")))
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in VENDOR.glob("*.js")}
    assert table == files
