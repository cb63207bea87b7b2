"""The documents as one book: complete, in order, and every block of code true. Blocks of SQL: `tests/clickhouse/`."""

from __future__ import annotations

import ast
import builtins
import json
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
import yaml

from dashboard.pages import settings as settings_page
from dashboard.pages.urls import urlpatterns
from docs import book
from tests.operations import shell_lines
from tests.operations.documents import Block, blocks, paths, read
from tracestore.alerts import rules_file
from tracestore.detectors.registry import TRACE_DETECTORS, WINDOW_DETECTORS
from tracestore.environment import ROOT
from tracestore.models import Project

DOCS = ROOT / "docs"
PAGES = book.pages()
EVERY = [one for path in paths() for one in read(path).blocks]
#: What is behind a fence. `text` is output, pictures and formulas, `search` is tried by tests/search, `ts` is not ours.
LANGUAGES = {
    "ebnf", "http", "json", "nginx", "python", "search", "sh", "sql", "text", "toml", "ts", "xml",
    "yaml",
}  # fmt: skip
#: Beginnings of addresses, which answer nothing themselves.
BASES = {"/api/v1/", "/jaeger/", "/jaeger/api/"}
BUILTINS = set(dir(builtins)) | {"__name__", "__file__"}


def named(block: Block) -> str:
    return str(block)


def pieces(language: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("block", blocks(language), ids=named)


# The book


def test_every_page_is_in_the_contents_once_and_there() -> None:
    listed = [page.path for page in PAGES if page.here]
    assert len(set(listed)) == len(listed)
    assert set(book.written()) - set(listed) == set()
    gone = [page.path for page in PAGES if not (DOCS / page.path).is_file()]
    assert gone == []


def test_the_parts_are_in_the_order_of_reading() -> None:
    parts = re.findall(r"^## (.+)$", (DOCS / book.CONTENTS).read_text(), re.M)
    assert parts == ["Start", "Concepts", "Using it", "On call", "Data teams", "Operating it", "Carrying it on"]


@pytest.mark.parametrize("path", sorted({page.path for page in PAGES if page.here}))
def test_a_page_begins_with_what_it_answers(path: str) -> None:
    wanted = ("heading_open", "inline", "heading_close", "paragraph_open")
    beginning = read(DOCS / path).beginning
    assert beginning[0] == "heading_open"
    assert path.startswith("adr/") or beginning == wanted, f"{path}: a sentence or two before anything else"


def test_feet_endpoints_and_commands_are_as_made() -> None:
    made = book.made()
    stale = [path for path, text in made.items() if (DOCS / path).read_text() != text]
    assert stale == [], "run: .venv/bin/python -m docs.book"
    assert {page.path for page in PAGES if page.here} == made.keys()


def test_the_made_parts_have_all() -> None:
    api, commands = (DOCS / "api.md").read_text(), (DOCS / "commands.md").read_text()
    assert len(re.findall(r"^\| `(?:GET|POST|PUT|PATCH|DELETE) ", api, re.M)) > 100
    there = {path.stem for path in ROOT.glob("*/management/commands/[a-z]*.py")}
    assert there == set(re.findall(r"^### `(\w+)`$", commands, re.M))


@pytest.mark.parametrize("path", paths(), ids=lambda path: str(path.relative_to(ROOT)))
def test_anchors_of_links_exist(path: Path) -> None:
    for link in read(path).links:
        target, _, anchor = link.partition("#")
        if anchor and not re.match(r"[a-z]+:", link):
            other = (path.parent / target).resolve() if target else path
            assert other.suffix != ".md" or anchor in read(other).anchors, f"{path.name} links to {link}"


def test_the_readme_leads_into_the_book() -> None:
    links = {link.partition("#")[0] for link in read(ROOT / "README.md").links}
    assert {"docs/README.md", "docs/quick-start.md", "CONTRIBUTING.md"} <= links


# What must be named


def test_every_detector_has_its_place() -> None:
    text = (DOCS / "detectors.md").read_text()
    placed = set(re.findall(r"^## (\w+)$", text, re.M)) | set(
        re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (`.+?) \|", text, re.M)))
    )
    assert {detector.id for detector in (*TRACE_DETECTORS, *WINDOW_DETECTORS)} - placed == set()


def test_every_page_of_the_browser_is_named() -> None:
    codes = {code for _, code in read(DOCS / "pages.md").codes}
    shell = (ROOT / "dashboard/templates/dashboard/base.html").read_text()
    leads = set(re.findall(r"<a class=\"nav-link\" href=\"\{% url '([\w-]+)' %\}", shell)) | {
        name for name, _, _ in settings_page.PAGES
    }
    assert len(leads) > 12
    written = {re.sub(r"\{\w+\}", "{}", code) for code in codes}
    routes = {
        f"/{pattern.pattern}"
        for pattern in urlpatterns
        if pattern.name in leads or re.fullmatch(r"[a-z]+/<\w+:\w+>/", str(pattern.pattern))
    }
    assert {route for route in routes if re.sub(r"<\w+:\w+>", "{}", route) not in written} == set()


def test_files_that_the_architecture_names_exist() -> None:
    there = [
        f"/{path.relative_to(ROOT).as_posix()}{'/' if path.is_dir() else ''}"
        for folder in ("tracestore", "ingest", "dashboard", "docs", "tests")
        for path in [ROOT / folder, *(ROOT / folder).rglob("*")]
        if "__pycache__" not in path.parts
    ]
    named = {
        code for _, code in read(DOCS / "path-of-a-span.md").codes if re.fullmatch(r"\w[\w/*]*(\.(py|sql)|/)", code)
    }
    assert len(named) > 80
    known = "\n".join(there)
    gone = [
        name
        for name in named - {"clickhouse/queries/NAME.sql"}
        if not re.search(f"/{re.escape(name).replace(chr(92) + '*', '[^/]*')}$", known, re.M)
    ]
    assert gone == []


# Blocks of code


@pytest.mark.parametrize("block", EVERY, ids=named)
def test_a_block_says_what_it_is(block: Block) -> None:
    assert block.language in LANGUAGES, f"{block}: write a language behind the fence"
    assert not block.not_run or len(block.not_run) > 10, f"{block}: say why it is not run"


@pieces("sh")
def test_shell(block: Block) -> None:
    assert shell_lines.wrong_in(block.text) == []


@pytest.mark.parametrize(
    "line",
    [
        "manage.py nonesuch", "manage.py backup", "manage.py backup --nonesuch x",
        ".venv/bin/python manage.py up --nonesuch", "manage.py api_keys list --overlap 24h", "make nonesuch",
        "TRACESTORE_NONESUCH=1 make up", "export TRACESTORE_NONESUCH=1", "python -m tracestore.nonesuch",
        "python examples/nonesuch.py", "nonesuch --help", "make up && nonesuch",
        "curl http://127.0.0.1:8000/api/v1/nonesuch/", "curl -X DELETE http://127.0.0.1:8000/api/v1/traces/",
        "curl http://127.0.0.1:8000/api/v1/channels/ -d '{no}'", "POST /api/v1/traces/", "GET nonesuch/",
        "PUT /v1/traces",
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(line: str) -> None:
    assert len(shell_lines.wrong_in(line)) == 1


@pieces("http")
def test_requests(block: Block) -> None:
    wrong = [shell_lines.wrong_request(line) for line in block.text.splitlines() if line.strip()]
    assert [one for one in wrong if one] == []


@pytest.mark.parametrize("path", paths(), ids=lambda path: str(path.relative_to(ROOT)))
def test_codes_within_sentences(path: Path) -> None:
    wrong = []
    for line, code in read(path).codes:
        complaint = None
        if re.match(r"manage\.py [\w]", code):
            complaint = shell_lines.wrong_manage_in_words(code)
        elif shell_lines.REQUEST.fullmatch(code) and not code.endswith("/…"):
            complaint = shell_lines.wrong_request(code)
        elif re.fullmatch(r"/(?!v1/)[a-z-]+/(?:[\w{}-]+/)*(?:\?\S*)?", code) and code not in BASES:
            complaint = shell_lines.wrong_address("GET", code.partition("?")[0])
        if complaint:
            wrong.append(f"{path.relative_to(ROOT)}:{line} {complaint}")
    assert wrong == []


@pieces("json")
def test_json(block: Block) -> None:
    json.loads(block.text)


@pieces("toml")
def test_toml(block: Block) -> None:
    tomllib.loads(block.text)


@pytest.mark.django_db
@pieces("yaml")
def test_yaml(block: Block) -> None:
    documents = list(yaml.safe_load_all(block.text))
    assert documents
    if isinstance(documents[0], dict) and {"version", "rules"} <= documents[0].keys():
        Project.objects.get_or_create(slug="default", defaults={"name": "Default"})
        assert rules_file.read("default", block.text)


@pieces("nginx")
def test_nginx(block: Block) -> None:
    lines = [line.partition("#")[0].strip() for line in block.text.splitlines()]
    assert all(line[-1] in "{};" for line in lines if line)
    assert block.text.count("{") == block.text.count("}")


@pieces("xml")
def test_xml(block: Block) -> None:
    assert list(ElementTree.fromstring(f"<clickhouse>{block.text}</clickhouse>"))


@pieces("python")
def test_python(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it compiles; what uses nothing from outside is run, of the rest the imports are."""
    code = compile(block.text, str(block), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST)
    for example in block.examples:
        assert_part_of(block, (ROOT / "examples" / f"{example}.py").read_text())
    if block.examples:
        return
    if unknown_names(code) or "…" in block.text or any(isinstance(one, ast.Await) for one in ast.walk(code)):
        code = ast.Module([one for one in code.body if isinstance(one, ast.Import | ast.ImportFrom)], [])
    document = ModuleType("document")
    monkeypatch.setitem(sys.modules, "document", document)
    exec(compile(code, str(block), "exec"), document.__dict__)
    if hasattr(document, "provider"):
        document.provider.shutdown()


def assert_part_of(block: Block, source: str) -> None:
    """Its lines stand in the source, in this order; `...` stands for what is left out."""
    lines = iter(line.strip() for line in source.splitlines())
    top = [line.strip() for line in source.splitlines() if re.match(r"(from|import) ", line)]
    for line in block.text.splitlines():
        wanted = line.strip().removesuffix(" ...")
        if wanted and not wanted.startswith("...") and wanted not in top:
            assert any(wanted == one for one in lines), f"{block}: {wanted}"


def unknown_names(code: ast.Module) -> set[str]:
    """Names that are used and come from nowhere in it."""
    made: set[str] = set(BUILTINS)
    used: set[str] = set()
    for one in ast.walk(code):
        if isinstance(one, ast.Name):
            (used if isinstance(one.ctx, ast.Load) else made).add(one.id)
        elif isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            made.add(one.name)
        elif isinstance(one, ast.arg):
            made.add(one.arg)
        elif isinstance(one, ast.alias):
            made.add((one.asname or one.name).partition(".")[0])
    return used - made
