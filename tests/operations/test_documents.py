"""Files that people read must agree with the program: settings, targets, links. `make check` runs this."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tracestore.environment import ROOT

SETTING = re.compile(r"TRACESTORE_[A-Z_]*[A-Z]")
#: Names of tests and of processes among themselves; no operator sets them.
INTERNAL = {"TRACESTORE_CORPUS", "TRACESTORE_CHROMIUM", "TRACESTORE_ENGINE_PASSWORD"}


def settings() -> set[str]:
    return set(SETTING.findall((ROOT / "tracestore/environment.py").read_text())) - INTERNAL


def documents() -> list[Path]:
    return [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("name", [".env.example", "docs/operations.md"])
def test_every_setting_is_listed_and_nothing_else(name: str) -> None:
    assert set(SETTING.findall((ROOT / name).read_text())) - INTERNAL == settings()


def test_the_example_can_be_sourced_as_it_is() -> None:
    for line in (ROOT / ".env.example").read_text().splitlines():
        assert re.fullmatch(r"|#|# .*|#[A-Z_]+=\S*", line), line


def test_defaults_in_the_example_are_those_of_the_program() -> None:
    program = (ROOT / "tracestore/environment.py").read_text()
    for name, port in re.findall(r"^#(TRACESTORE_\w+_PORT)=(\d+)$", (ROOT / ".env.example").read_text(), re.M):
        assert f'port("{name}", {port})' in program


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    text = re.sub(r"```.*?```", "", document.read_text(), flags=re.S)
    for target in re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:|#", target):
            continue
        assert (document.parent / target.partition("#")[0]).exists(), f"{document.name} links to {target}"


def test_the_makefile_has_the_targets_that_the_documents_name() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.M))
    assert {"help", "up", "demo", "test", "check", "bench"} <= targets
    for document in documents():
        for target in re.findall(r"`make ([a-z]+)", document.read_text()):
            assert target in targets, f"{document.name} names make {target}"


def test_every_direct_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        wanted += extra
    pinned = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines())
    names = {name.lower().replace("_", "-") for name in pinned}
    for requirement in wanted:
        name = re.match(r"[\w.-]+", requirement)
        assert name is not None
        assert name[0].lower().replace("_", "-") in names, f"{name[0]} is missing in constraints.txt"


def test_constraints_name_no_machine() -> None:
    text = (ROOT / "constraints.txt").read_text()
    assert all(re.fullmatch(r"[\w.-]+==[\w.!+-]+", line) for line in text.splitlines())
    assert not re.search(r"://|@|^tracestore", text, re.M)
