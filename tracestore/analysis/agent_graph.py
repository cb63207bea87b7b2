"""Who called whom in a trace: agents, tools and models as nodes, with counts, cost, time and errors.

Pure. Two kinds of edge. `calls`: the nearest agent or tool around a span called it. `then`: work went
over from one to the other, which is what makes loops visible: between agents whenever one begins after
another has ended (a hand-over), between tools only where an agent returns to a tool that it has called
before, so that a plan carried out once draws no web of arrows. Loops stay: an edge may lead back, or to
its own node. Parallel work is not a sequence: `then` needs an end before a beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from tracestore.analysis.tree import NamedSpan, Tree

EdgeKind = Literal["calls", "then"]

#: Types that become nodes. A workflow is plumbing between them.
NODE_TYPES = ("agent", "llm", "tool", "retrieval", "embedding", "rerank", "guardrail", "evaluator")
#: Types that call others. A model asks for a tool, but its agent calls it.
CALLERS = ("agent", "tool", "retrieval", "guardrail", "evaluator")

MOST_NODES = 200
MOST_EDGES = 1_000
#: What is left of a larger graph.
NODES_WHEN_CUT = 24


class GraphSpan(NamedSpan, Protocol):
    """What the graph needs to know of a span; `SpanRow` has it."""

    @property
    def cost_usd(self) -> float | None: ...


@dataclass(slots=True)
class Figures:
    """`time_ns` is the sum of durations; `cost_usd` is what the spans and all below them cost.

    It is None while no cost is known, and without what is unknown.
    """

    count: int = 0
    errors: int = 0
    time_ns: int = 0
    cost_usd: float | None = None

    def add(self, other: Figures) -> None:
        self.count += other.count
        self.errors += other.errors
        self.time_ns += other.time_ns
        if other.cost_usd is not None:
            self.cost_usd = (self.cost_usd or 0.0) + other.cost_usd


@dataclass(slots=True)
class Node:
    """`key` is (type, name). `first_span` is the id of its first span, '' of a node made for spans without one.

    `merged` counts the nodes that were put together in this one, 0 for a node of its own.
    """

    key: tuple[str, str]
    figures: Figures = field(default_factory=Figures)
    first_span: str = ""
    merged: int = 0

    @property
    def type(self) -> str:
        return self.key[0]

    @property
    def name(self) -> str:
        return self.key[1]


@dataclass(slots=True)
class Edge:
    source: tuple[str, str]
    target: tuple[str, str]
    kind: EdgeKind
    figures: Figures = field(default_factory=Figures)
    first_span: str = ""

    @property
    def is_loop(self) -> bool:
        return self.source == self.target


@dataclass(slots=True)
class AgentGraph:
    """Nodes in order of appearance, edges by their first span. `left_out` counts nodes that were merged."""

    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    left_out: int = 0


def node_key(span: GraphSpan) -> tuple[str, str]:
    if span.type == "agent":
        return "agent", span.agent or span.name
    if span.type in ("llm", "embedding", "rerank"):
        return span.type, span.model or span.request_model or "(model not told)"
    return span.type, span.tool_name or span.name


def agent_graph(spans: Sequence[GraphSpan], tree: Tree) -> AgentGraph:
    """The whole graph of a trace; linear in its spans. See `aggregated` for one that can be drawn."""
    nodes: dict[tuple[str, str], Node] = {}
    edges: dict[tuple[tuple[str, str], tuple[str, str], EdgeKind], Edge] = {}
    # Per tree node: the tree node of the caller that its children have, or -1.
    caller: list[int] = []
    # Per calling tree node (-1 above all): ends of what it called, by kind, to tell what came after what.
    before: dict[tuple[int, bool], list[tuple[int, tuple[str, str]]]] = {}
    called: dict[int, set[tuple[str, str]]] = {}
    costs = subtree_costs(spans, tree)

    def node(key: tuple[str, str]) -> Node:
        return nodes.setdefault(key, Node(key))

    def edge(source: tuple[str, str], target: tuple[str, str], kind: EdgeKind, span: GraphSpan, own: Figures) -> None:
        found = edges.setdefault((source, target, kind), Edge(source, target, kind, first_span=span.span_id))
        found.figures.add(own)

    for number, index in enumerate(tree.order):
        span = spans[index]
        over = tree.parent[number]
        above = caller[over] if over >= 0 else -1
        if span.type not in NODE_TYPES:
            caller.append(above)
            continue
        key = node_key(span)
        # An agent's span right inside one of the same agent is the same run told twice.
        if above >= 0 and span.type == "agent" and node_key(spans[tree.order[above]]) == key:
            caller.append(above)
            continue
        caller.append(number if span.type in CALLERS else above)
        own = Figures(1, span.status == "error", max(span.end_ns - span.start_ns, 0), costs[number])
        made = node(key)
        made.figures.add(own)
        made.first_span = made.first_span or span.span_id
        if above >= 0:
            edge(node_key(spans[tree.order[above]]), key, "calls", span, own)
        elif span.type != "agent" and span.agent:
            # Instrumentation of a client only: the agent is known by name, it has no span.
            node(("agent", span.agent))
            edge(("agent", span.agent), key, "calls", span, own)
        if span.type not in CALLERS:
            continue
        is_agent = span.type == "agent"
        earlier = before.setdefault((above, is_agent), [])
        previous = latest(earlier, span.start_ns)
        if previous is not None and (is_agent or key in called.get(above, ())):
            edge(previous, key, "then", span, own)
        called.setdefault(above, set()).add(key)
        earlier.append((max(span.end_ns, span.start_ns), key))
    return AgentGraph(list(nodes.values()), list(edges.values()))


def subtree_costs(spans: Sequence[GraphSpan], tree: Tree) -> list[float | None]:
    """Per tree node: its cost with that of everything below, None where no cost is known."""
    found: list[float | None] = [spans[index].cost_usd for index in tree.order]
    for number in range(len(tree) - 1, -1, -1):
        over, own = tree.parent[number], found[number]
        if over >= 0 and own is not None:
            found[over] = (found[over] or 0.0) + own
    return found


def latest(ended: list[tuple[int, tuple[str, str]]], at: int) -> tuple[str, str] | None:
    """What ended last before a moment. Siblings come by start, so of a long list only the newest are looked at."""
    found = max((one for one in ended[-64:] if one[0] <= at), default=None, key=lambda one: one[0])
    return found[1] if found else None


def aggregated(graph: AgentGraph, most_nodes: int = MOST_NODES, most_edges: int = MOST_EDGES) -> AgentGraph:
    """The graph as it is while it can be read; else the weightiest nodes, and of each type one node of the others.

    Nodes are one per name already. Agents go last: they are what the graph is about. Counts, cost, time and
    errors of merged nodes and edges add up, so that the sums stay those of the trace.
    """
    if len(graph.nodes) <= most_nodes and len(graph.edges) <= most_edges:
        return graph
    keep = min(most_nodes, NODES_WHEN_CUT)
    # Fewer nodes until the edges are few enough too; at worst one node a type is left.
    while True:
        made = merged(graph, keep)
        if len(made.edges) <= most_edges or keep == 0:
            return made
        keep //= 2


def merged(graph: AgentGraph, keep: int) -> AgentGraph:
    ranked = sorted(
        graph.nodes,
        key=lambda n: (n.type != "agent", -n.figures.errors, -(n.figures.cost_usd or 0.0), -n.figures.time_ns, n.key),
    )
    kept = {node.key for node in ranked[:keep]}
    others: dict[str, int] = {}
    for node in ranked[keep:]:
        others[node.type] = others.get(node.type, 0) + 1
    # "1 other" would say less than the name.
    kept |= {node.key for node in ranked[keep:] if others[node.type] == 1}

    def place(key: tuple[str, str]) -> tuple[str, str]:
        return key if key in kept else (key[0], other_name(key[0], others[key[0]]))

    nodes: dict[tuple[str, str], Node] = {}
    edges: dict[tuple[tuple[str, str], tuple[str, str], EdgeKind], Edge] = {}
    for node in graph.nodes:
        key = place(node.key)
        own = nodes.setdefault(key, Node(key, first_span=node.first_span))
        own.figures.add(node.figures)
        own.merged += node.key not in kept
    for one in graph.edges:
        source, target = place(one.source), place(one.target)
        if one.kind == "then" and source == target and one.source != one.target:
            continue  # going over from one of the others to another of them is no loop
        joined = edges.setdefault((source, target, one.kind), Edge(source, target, one.kind, first_span=one.first_span))
        joined.figures.add(one.figures)
    return AgentGraph(list(nodes.values()), list(edges.values()), sum(node.key not in kept for node in graph.nodes))


PLURALS = {
    "agent": "agents", "llm": "models", "tool": "tools", "retrieval": "retrievals", "embedding": "embedding models",
    "rerank": "rerankers", "guardrail": "guardrails", "evaluator": "evaluators",
}  # fmt: skip


def other_name(node_type: str, count: int) -> str:
    return f"{count:,} other {PLURALS[node_type]}"
