"""Runs the tests of the browser modules with Node's own test runner."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def test_modules() -> None:
    node = shutil.which("node")
    if node is None:
        if os.environ.get("CI"):
            pytest.fail("No Node.js. Install it: the browser modules are tested with it.")
        pytest.skip("no Node.js; install it to test the browser modules")
    tests = sorted(str(path) for path in Path(__file__).parent.glob("*.test.js"))
    assert tests
    done = subprocess.run([node, "--test", *tests], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
