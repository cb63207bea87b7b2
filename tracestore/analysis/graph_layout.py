"""Places the nodes of a directed graph in columns, for drawing: layers, few crossings, edges as paths.

Pure. After Sugiyama, Tagawa and Toda (1981): edges that lead back are turned for the layout, nodes go to
the longest path's layer, long edges get a bend in each layer between, and sweeps by barycentre order the
layers. Left to right, since labels are wide. Small and exact enough for the few hundred nodes that a
reader can take in; for n nodes and m edges with bends it is O(sweeps · (n + m) log n).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

SWEEPS = 12


@dataclass(slots=True)
class Spacing:
    """In pixels: size of a node, space between columns and rows, and around everything.

    `first_within` is how far down the first column may begin.
    """

    width: int = 216
    height: int = 46
    column_gap: int = 110
    row_gap: int = 18
    bend: int = 14
    margin: int = 16
    loop: int = 34
    first_within: int = 240


@dataclass(slots=True)
class Placed:
    """`x` and `y` of each node's upper left corner; `paths` of each edge as points, `back` the edges that lead back."""

    x: list[float]
    y: list[float]
    width: float
    height: float
    paths: list[list[tuple[float, float]]]
    back: list[bool]
    layer: list[int] = field(default_factory=list)


def layout(count: int, edges: Sequence[tuple[int, int]], spacing: Spacing | None = None) -> Placed:
    """Places `count` nodes. Edges may be given in any order, twice, in rings, or from a node to itself."""
    spacing = spacing or Spacing()
    back = turned(count, edges)
    forward = [(b, a) if turn else (a, b) for (a, b), turn in zip(edges, back, strict=True)]
    layer = layers(count, [edge for edge in forward if edge[0] != edge[1]])
    columns, chains, of = with_bends(count, forward, layer)
    order(columns, chains, len(of))
    looped = {source for source, target in edges if source == target}
    y = heights(columns, chains, count, spacing, looped)
    ports = [side(edges, chains, y, count, spacing, end) for end in (0, -1)]
    step = spacing.width + spacing.column_gap
    x = [float(spacing.margin + layer[n] * step) for n in range(count)]
    paths = [
        path(edge, chain, turn, x, y, of, spacing, (ports[0][number], ports[1][number]))
        for number, (edge, chain, turn) in enumerate(zip(edges, chains, back, strict=True))
    ]
    right = max((x[n] + spacing.width for n in range(count)), default=0.0)
    low = max((y[n] + spacing.height for n in range(count)), default=0.0)
    for points in paths:
        right = max(right, *(point[0] for point in points))
        low = max(low, *(point[1] for point in points))
    return Placed(x, y[:count], right + spacing.margin, low + spacing.margin, paths, back, layer)


def turned(count: int, edges: Sequence[tuple[int, int]]) -> list[bool]:
    """Which edges close a ring, seen from nodes in their order: those are drawn backwards."""
    below: list[list[int]] = [[] for _ in range(count)]
    for number, (source, _) in enumerate(edges):
        below[source].append(number)
    back = [False] * len(edges)
    state = [0] * count  # 0 new, 1 on the way, 2 done
    for start in range(count):
        if state[start]:
            continue
        state[start] = 1
        waiting = [(start, iter(below[start]))]
        while waiting:
            node, rest = waiting[-1]
            for number in rest:
                target = edges[number][1]
                if state[target] == 1:
                    back[number] = target != node
                elif state[target] == 0:
                    state[target] = 1
                    waiting.append((target, iter(below[target])))
                    break
            else:
                state[node] = 2
                waiting.pop()
    return back


def layers(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """The longest way to each node, in edges. The edges must have no ring."""
    below: list[list[int]] = [[] for _ in range(count)]
    waits = [0] * count
    for source, target in edges:
        below[source].append(target)
        waits[target] += 1
    found = [0] * count
    ready = [node for node in range(count) if waits[node] == 0]
    for node in ready:
        for target in below[node]:
            found[target] = max(found[target], found[node] + 1)
            waits[target] -= 1
            if waits[target] == 0:
                ready.append(target)
    return found


def with_bends(
    count: int, edges: Sequence[tuple[int, int]], layer: Sequence[int]
) -> tuple[list[list[int]], list[list[int]], list[int]]:
    """Columns of nodes and bends; each edge as the chain of what it passes; the layer of every item.

    Bends are numbers from `count` on. Edges between the same two nodes share their bends.
    """
    of = list(layer)
    columns: list[list[int]] = [[] for _ in range(max(layer, default=0) + 1)]
    for node in range(count):
        columns[layer[node]].append(node)
    shared: dict[tuple[int, int], list[int]] = {}
    chains = []
    for source, target in edges:
        chain = shared.get((source, target))
        if chain is None:
            chain = [source]
            for between in range(layer[source] + 1, layer[target]):
                chain.append(len(of))
                columns[between].append(len(of))
                of.append(between)
            chain.append(target)
            shared[source, target] = chain
        chains.append(chain)
    return columns, chains, of


def order(columns: list[list[int]], chains: Sequence[Sequence[int]], items: int) -> None:
    """Orders the columns in place so that few edges cross; the best of some sweeps there and back."""
    left: list[list[int]] = [[] for _ in range(items)]
    right: list[list[int]] = [[] for _ in range(items)]
    for chain in chains:
        for a, b in itertools.pairwise(chain):
            if a != b:
                right[a].append(b)
                left[b].append(a)
    place = [0] * items
    for column in columns:
        for number, item in enumerate(column):
            place[item] = number
    best, fewest = [list(column) for column in columns], crossings(columns, right, place)
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        towards = left if sweep % 2 == 0 else right
        for column in columns if sweep % 2 == 0 else reversed(columns):
            wanted = {
                item: sum(place[one] for one in towards[item]) / len(towards[item]) if towards[item] else place[item]
                for item in column
            }
            column.sort(key=lambda item: (wanted[item], place[item]))
            for number, item in enumerate(column):
                place[item] = number
        now = crossings(columns, right, place)
        if now < fewest:
            best, fewest = [list(column) for column in columns], now
    for column, found in zip(columns, best, strict=True):
        column[:] = found


def crossings(columns: Sequence[Sequence[int]], right: Sequence[Sequence[int]], place: Sequence[int]) -> int:
    """How many pairs of neighbouring edges cross: inversions, counted with a Fenwick tree (Barth et al. 2002)."""
    found = 0
    for number, column in enumerate(columns[:-1]):
        size = len(columns[number + 1])
        seen = [0] * (size + 1)
        total = 0
        for item in column:
            targets = sorted(place[one] for one in right[item])
            for target in targets:
                at, before = target + 1, 0
                while at:
                    before += seen[at]
                    at &= at - 1
                found += total - before
            for target in targets:
                total += 1
                at = target + 1
                while at <= size:
                    seen[at] += 1
                    at += at & -at
    return found


def heights(
    columns: Sequence[Sequence[int]],
    chains: Sequence[Sequence[int]],
    count: int,
    spacing: Spacing,
    looped: set[int],
) -> list[float]:
    """The y of every item: as near to its neighbours' middle as the order of its column allows.

    A node with a loop has the loop's room above it. The first column stays near the top, so that a graph
    higher than the screen still begins on it.
    """
    items = sum(len(column) for column in columns)
    near: list[list[int]] = [[] for _ in range(items)]
    for chain in chains:
        for a, b in itertools.pairwise(chain):
            if a != b:
                near[a].append(b)
                near[b].append(a)
    size = [
        float(spacing.bend if item >= count else spacing.height + (spacing.loop if item in looped else 0))
        for item in range(items)
    ]
    y = [0.0] * items
    for column in columns:
        at = 0.0
        for item in column:
            y[item] = at
            at += size[item] + spacing.row_gap
    for sweep in range(SWEEPS):
        for number, column in enumerate(columns) if sweep % 2 == 0 else reversed(list(enumerate(columns))):
            wish = [
                sum(y[one] + size[one] / 2 for one in near[item]) / len(near[item]) - size[item] / 2
                if near[item]
                else y[item]
                for item in column
            ]
            if number == 0:
                wish = [min(value, spacing.first_within) for value in wish]
            for item, value in zip(column, apart(wish, [size[i] + spacing.row_gap for i in column]), strict=True):
                y[item] = value
    top = min(y, default=0.0)
    return [value - top + spacing.margin + (spacing.loop if item in looped else 0) for item, value in enumerate(y)]


def apart(wish: Sequence[float], size: Sequence[float]) -> list[float]:
    """Values from 0 as near as can be to those wished for, each at least `size` of the one before after that one.

    Least squares under an order: pool adjacent violators on wishes less the space taken before.
    """
    blocks: list[list[float]] = []  # sum of wishes, number, so that the mean is the place
    taken = 0.0
    offsets = []
    for value, space in zip(wish, size, strict=True):
        offsets.append(taken)
        blocks.append([value - taken, 1.0])
        taken += space
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, number = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += number
    # Never above the top: where the bound cuts in, the best values are those cut off at it.
    places = [max(total / number, 0.0) for total, number in blocks for _ in range(int(number))]
    return [place + offset for place, offset in zip(places, offsets, strict=True)]


def side(
    edges: Sequence[tuple[int, int]],
    chains: Sequence[Sequence[int]],
    y: Sequence[float],
    count: int,
    spacing: Spacing,
    end: int,
) -> list[float]:
    """Where each edge touches its node: below the node's top, spread along its right (end 0) or left (-1) side.

    In the order of where the edges come from, so that those of one node do not cross at it.
    """
    at: dict[int, list[tuple[float, int]]] = {}
    for number, chain in enumerate(chains):
        if edges[number][0] != edges[number][1]:
            next_item = chain[1] if end == 0 else chain[-2]
            middle = y[next_item] + (spacing.height if next_item < count else spacing.bend) / 2
            at.setdefault(chain[end], []).append((middle, number))
    found = [0.0] * len(edges)
    for touching in at.values():
        touching.sort()
        for rank, (_, number) in enumerate(touching):
            found[number] = spacing.height * (rank + 1) / (len(touching) + 1)
    return found


def path(
    edge: tuple[int, int],
    chain: Sequence[int],
    is_back: bool,
    x: Sequence[float],
    y: Sequence[float],
    of: Sequence[int],
    spacing: Spacing,
    ports: tuple[float, float],
) -> list[tuple[float, float]]:
    """The points of an edge, from its source to its target; `ports` are of its left and right end.

    One that leads back leaves at the left side of its source and arrives at the right side of its target.
    A loop goes over its node.
    """
    source, target = edge
    if source == target:
        right = x[source] + spacing.width
        top = y[source]
        return [
            (right - 54, top),
            (right - 54, top - spacing.loop * 0.9),
            (right - 14, top - spacing.loop * 0.9),
            (right - 14, top),
        ]
    step = spacing.width + spacing.column_gap
    points = []
    for number, item in enumerate(chain):
        if number == 0:
            points.append((x[item] + spacing.width, y[item] + ports[0]))
        elif number == len(chain) - 1:
            points.append((x[item], y[item] + ports[1]))
        else:
            begin = spacing.margin + of[item] * step
            middle = y[item] + spacing.bend * (0.8 if is_back else 0.3)
            points += [(begin, middle), (begin + spacing.width, middle)]
    return points[::-1] if is_back else points
