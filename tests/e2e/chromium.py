"""The system's Chromium for the browser tests (TRACESTORE_CHROMIUM, else the usual names)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: Long, since a test machine may be busy with other things; nothing here measures speed. Below pytest's own limit.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)


def executable() -> str:
    """Where Chromium is. Without one the test is skipped; where CI is set it fails, or nobody would see."""
    wanted = os.environ.get("TRACESTORE_CHROMIUM") or "/usr/bin/chromium"
    path = wanted if os.path.exists(wanted) else shutil.which("chromium")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("No Chromium. Install it or set TRACESTORE_CHROMIUM.")
        pytest.skip("no Chromium; set TRACESTORE_CHROMIUM to test the pages")
    return path


@contextmanager
def launched() -> Iterator[Browser]:
    path = executable()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=SWITCHES)
        try:
            yield browser
        finally:
            browser.close()
