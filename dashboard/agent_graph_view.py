"""The agent graph ready to be drawn: places, paths as SVG, labels, widths, and the links to its spans.

Pure. The drawing is made on the server: it works without script, and the table below says the same in words.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log2
from urllib.parse import urlencode

from dashboard import figures_as_text
from dashboard.visible_text import visible
from tracestore.analysis.agent_graph import AgentGraph, Edge, Figures, Node, agent_graph, aggregated, node_key
from tracestore.analysis.graph_layout import Spacing, layout
from tracestore.analysis.tree import Tree
from tracestore.clickhouse.rows import SpanRow

#: Characters of a name that fit into a node.
NAME_LENGTH = 22
SPACING = Spacing()
#: Rows of the table of edges.
MOST_ROWS = 1_000


@dataclass(slots=True)
class NodeView:
    node: Node
    x: float
    y: float
    width: int
    height: int
    name: str
    short: str
    facts: str
    words: str
    href: str
    faint: bool = False
    chosen: bool = False


@dataclass(slots=True)
class EdgeView:
    edge: Edge
    path: str
    label: str
    label_x: float
    label_y: float
    width: float
    words: str
    href: str
    source: str
    target: str
    back: bool


@dataclass(slots=True)
class GraphView:
    """`total_nodes` is how many there are before small ones were put together."""

    nodes: list[NodeView] = field(default_factory=list)
    edges: list[EdgeView] = field(default_factory=list)
    width: float = 0
    height: float = 0
    total_nodes: int = 0
    left_out: int = 0
    edges_hidden: int = 0


def graph_view(spans: Sequence[SpanRow], tree: Tree, q: str = "", selected: str = "") -> GraphView:
    whole = agent_graph(spans, tree)
    graph = aggregated(whole)
    chosen = next((node_key(span) for span in spans if span.span_id == selected), None)
    made = drawn(graph, q, chosen)
    made.total_nodes = len(whole.nodes)
    return made


def drawn(graph: AgentGraph, q: str, chosen: tuple[str, str] | None) -> GraphView:
    number = {node.key: index for index, node in enumerate(graph.nodes)}
    # What calls shape the layers first: a hand-over back must not turn a call round.
    edges = sorted(graph.edges, key=lambda edge: edge.kind != "calls")
    placed = layout(len(graph.nodes), [(number[edge.source], number[edge.target]) for edge in edges], SPACING)
    made = GraphView(width=round(placed.width), height=round(placed.height), left_out=graph.left_out)
    for node, x, y in zip(graph.nodes, placed.x, placed.y, strict=True):
        name = visible(node.name, limit=200) or "(no name)"
        made.nodes.append(
            NodeView(
                node=node,
                x=round(x, 1),
                y=round(y, 1),
                width=SPACING.width,
                height=SPACING.height,
                name=name,
                short=name if len(name) <= NAME_LENGTH else name[: NAME_LENGTH - 1] + "…",
                facts=facts(node.figures),
                words=f"{node.type} {name}: {told(node.figures)}",
                href=address(node),
                faint=not matches(node, q),
                chosen=node.key == chosen,
            )
        )
    nodes = {node.key: node for node in graph.nodes}
    ends: dict[tuple[str, str], int] = {}
    for edge, points, back in zip(edges, placed.paths, placed.back, strict=True):
        source, target = visible(edge.source[1], limit=200), visible(edge.target[1], limit=200)
        verb = "calls" if edge.kind == "calls" else "then"
        # Neighbours that end at one node would cover each other's counts; each stands a little further back.
        rank = ends.setdefault(edge.target, 0)
        ends[edge.target] += 1
        label_x, label_y = label_place(points, edge, 0.74 - 0.17 * (rank % 3))
        made.edges.append(
            EdgeView(
                edge=edge,
                path=svg_path(points, edge.is_loop),
                label=f"{edge.figures.count:,}×" + (f" {edge.figures.errors:,} err" if edge.figures.errors else ""),
                label_x=round(label_x, 1),
                label_y=round(label_y, 1),
                width=round(1.2 + min(log2(edge.figures.count), 8) * 0.6, 2),
                words=f"{source} {verb} {target}: {told(edge.figures)}",
                href=address(nodes[edge.target], edge.first_span),
                source=source,
                target=target,
                back=back,
            )
        )
    made.edges_hidden = max(len(made.edges) - MOST_ROWS, 0)
    return made


def facts(figures: Figures) -> str:
    """The second line of a node."""
    if not figures.count:
        return "no span of its own"
    words = [f"{figures.count:,}×", figures_as_text.duration(figures.time_ns)]
    if figures.cost_usd is not None:
        words.append(figures_as_text.cost(figures.cost_usd))
    if figures.errors:
        words.append(f"{figures.errors:,} err")
    return " · ".join(words)


def told(figures: Figures) -> str:
    words = [f"{figures.count:,} time{'' if figures.count == 1 else 's'}", figures_as_text.duration(figures.time_ns)]
    if figures.cost_usd is not None:
        words.append(figures_as_text.cost(figures.cost_usd))
    if figures.errors:
        words.append(f"{figures.errors:,} error{'' if figures.errors == 1 else 's'}")
    return ", ".join(words)


def address(node: Node, span: str = "") -> str:
    """The waterfall with the node's spans; of an edge also with its first one opened."""
    words = f"type:{node.type}" if node.merged else f"type:{node.type} {node.name}"
    if node.name == "(model not told)":
        words = f"type:{node.type}"
    return "?" + urlencode({"q": words} | ({"span": span} if span else {}))


def matches(node: Node, q: str) -> bool:
    """As the waterfall's filter asks: every word somewhere; `type:` narrows, `status:error` means any error."""
    for word in q.casefold().split():
        key, _, value = word.partition(":")
        if key == "type" and value:
            if value not in node.type:
                return False
        elif word == "status:error":
            if not node.figures.errors:
                return False
        elif word not in node.name.casefold() and word not in node.type:
            return False
    return True


def svg_path(points: Sequence[tuple[float, float]], is_loop: bool) -> str:
    """A path of horizontal beginnings and ends, so that an edge leaves and reaches its nodes straight."""
    x, y = points[0]
    if is_loop:
        (ax, ay), (bx, by), (cx, cy) = points[1:]
        return f"M{x:.1f} {y:.1f}C{ax:.1f} {ay:.1f} {bx:.1f} {by:.1f} {cx:.1f} {cy:.1f}"
    made = [f"M{x:.1f} {y:.1f}"]
    for (ax, ay), (bx, by) in itertools.pairwise(points):
        half = (bx - ax) / 2
        made.append(f"C{ax + half:.1f} {ay:.1f} {bx - half:.1f} {by:.1f} {bx:.1f} {by:.1f}")
    return "".join(made)


def label_place(points: Sequence[tuple[float, float]], edge: Edge, t: float) -> tuple[float, float]:
    """Where an edge's count stands: at `t` of its last stretch (0 to 1); of a loop on its top."""
    if edge.is_loop:
        return (points[1][0] + points[2][0]) / 2, points[1][1] + 4
    (ax, ay), (bx, by) = points[-2:]
    # On the cubic of `svg_path`, whose control points lie half way.
    u = 1 - t
    half = (bx - ax) / 2
    x = u**3 * ax + 3 * u * u * t * (ax + half) + 3 * u * t * t * (bx - half) + t**3 * bx
    y = u**3 * ay + 3 * u * u * t * ay + 3 * u * t * t * by + t**3 * by
    return x, y + 4
