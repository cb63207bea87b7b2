"""The documents as data: their blocks of code, codes within sentences, headings and links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tracestore.environment import ROOT

MARKDOWN = MarkdownIt("commonmark").enable("table")
#: `<!-- not run: WHY -->` before a block leaves it out, `<!-- from: NAME … -->` says which examples it is a part of.
NOTE = re.compile(r"<!-- (not run|from): (.+?) -->\s*$")


@dataclass(frozen=True, slots=True)
class Block:
    path: Path
    line: int
    #: Word behind the fence; `sh` for a block that is indented instead.
    language: str
    text: str
    #: Why it is not run; '' if it is.
    not_run: str = ""
    #: Examples that it is a part of.
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True, slots=True)
class Document:
    path: Path
    blocks: tuple[Block, ...]
    #: Codes within sentences and tables, with their lines.
    codes: tuple[tuple[int, str], ...]
    anchors: frozenset[str]
    links: tuple[str, ...]
    #: Kinds of the first tokens, to see how a page begins.
    beginning: tuple[str, ...]


def paths() -> list[Path]:
    """All that people read. Captures and what is vendored have notes of their own."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])


@cache
def read(path: Path) -> Document:
    tokens = MARKDOWN.parse(path.read_text())
    blocks, codes, anchors, links = [], [], set(), []
    heading, note = False, ""
    for token in tokens:
        if token.type in ("fence", "code_block"):
            blocks.append(block(path, token, note))
        if token.type == "inline":
            for child in token.children or []:
                if child.type == "code_inline":
                    codes.append((line(token), child.content))
                if child.type == "link_open":
                    links.append(str(child.attrs["href"]))
            if heading:
                anchors.add(slug("".join(child.content for child in token.children or [])))
        heading = token.type == "heading_open"
        note = token.content if token.type == "html_block" else ""
    beginning = tuple(token.type for token in tokens[:4])
    return Document(path, tuple(blocks), tuple(codes), frozenset(anchors), tuple(links), beginning)


def block(path: Path, token: Token, note: str) -> Block:
    said = NOTE.search(note)
    kind, words = (said[1], said[2]) if said else ("", "")
    language = token.info.strip() if token.type == "fence" else "sh"
    return Block(
        path, line(token), language, token.content,
        words if kind == "not run" else "", tuple(words.split()) if kind == "from" else (),
    )  # fmt: skip


def line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 0


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def blocks(language: str) -> list[Block]:
    return [one for path in paths() for one in read(path).blocks if one.language == language and not one.not_run]
