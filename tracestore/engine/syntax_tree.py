"""The engine's own parse of a statement, read back from the text of EXPLAIN AST."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_LINE = re.compile(r"(?P<indent> *)(?P<text>.*?)(?: \(children (?P<count>\d+)\))?\Z")
_ALIAS = re.compile(r" \(alias (?P<alias>.*)\)\Z")


class UnreadableTree(Exception):
    """The text is not a tree that adds up."""


@dataclass
class Node:
    """One node: its kind (`Function`, `TableIdentifier`, …), its own text, its children."""

    kind: str
    value: str
    alias: str = ""
    children: list[Node] = field(default_factory=list)
    parent: Node | None = field(default=None, repr=False)

    def walk(self) -> Iterator[Node]:
        """This node and everything below it."""
        yield self
        for child in self.children:
            yield from child.walk()


def read_tree(text: str) -> Node:
    """Read EXPLAIN AST output. Each node must have the children it says it has.

    Names with line breaks could forge lines, so callers refuse those beforehand; the count of
    children is the second check.
    """
    root: Node | None = None
    path: list[tuple[Node, int]] = []
    for number, line in enumerate(text.rstrip("\n").split("\n")):
        found = _LINE.match(line)
        if found is None:
            raise UnreadableTree
        depth = len(found["indent"])
        # The engine prints the first two levels at the margin and one space in.
        alias = _ALIAS.search(found["text"])
        content = found["text"][: alias.start()] if alias else found["text"]
        kind, _, value = content.partition(" ")
        node = Node(kind, value, alias["alias"] if alias else "")
        expected = int(found["count"] or 0)
        if number == 0:
            root = node
        else:
            while path and len(path[-1][0].children) == path[-1][1]:
                path.pop()
            if not path or depth > len(path) or depth < 1:
                raise UnreadableTree
            parent = path[-1][0]
            parent.children.append(node)
            node.parent = parent
        path.append((node, expected))
    if root is None or any(len(node.children) != count for node, count in path):
        raise UnreadableTree
    return root
