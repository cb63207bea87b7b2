"""Test-wide set-up: a private data directory before Django reads its settings."""

from __future__ import annotations

import os
import tempfile

# Set before Django loads; nothing of the developer's own environment may leak into the tests.
for name in [name for name in os.environ if name.startswith("TRACESTORE_")]:
    if name not in ("TRACESTORE_CORPUS", "TRACESTORE_CHROMIUM", "TRACESTORE_SCREENSHOTS"):
        del os.environ[name]
_data = tempfile.TemporaryDirectory(prefix="tracestore-tests-")
os.environ["TRACESTORE_DATA_DIR"] = _data.name
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracestore.settings")
