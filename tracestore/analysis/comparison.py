"""Two traces side by side: which step of one is which step of the other, and where they part.

Pure. A step here is one act of a run: a call of a model, a tool, a retrieval, another agent and so on; plumbing
between them is left out. Steps are aligned by what was called, and among equals by the arguments: a longest common
subsequence in which each step stands twice, once by its name and once by name and arguments, so that the same call
with other arguments still finds its partner, but a call with the same arguments finds it first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol, get_args

from tracestore.analysis.alignment import common, gaps
from tracestore.analysis.conversation import canonical
from tracestore.analysis.tree import NamedSpan, Tree

Difference = Literal["only_a", "only_b", "model", "arguments", "status", "answer"]
#: All of them, most telling first.
DIFFERENCES: Final[tuple[Difference, ...]] = get_args(Difference)

#: Types that are steps.
STEP_TYPES: Final = ("agent", "llm", "tool", "retrieval", "embedding", "rerank", "guardrail", "evaluator")
#: Steps of a trace compared at most, from its start.
STEP_LIMIT: Final = 8_000
#: What makes runs take another way; answers of models differ in wording nearly always.
DIVERGING: Final = ("only_a", "only_b", "model", "arguments", "status")


class StepSpan(NamedSpan, Protocol):
    """What a comparison needs to know of a span; `SpanRow` has it."""

    @property
    def input_preview(self) -> str: ...
    @property
    def output_preview(self) -> str: ...
    @property
    def input_bytes(self) -> int: ...
    @property
    def output_bytes(self) -> int: ...


#: Digests of a span's whole input and output, by span id; for payloads that are longer than their preview.
Digests = Mapping[str, tuple[int, int]]


@dataclass(slots=True, frozen=True)
class Step:
    """`index` is the span's place in the spans given, `number` counts from 1 in its trace.

    `arguments` and `answer` are normalised: equal texts mean the same. A model's input is no argument here: it
    repeats what the steps before have said.
    """

    index: int
    number: int
    type: str
    name: str
    model: str
    arguments: str
    answer: str
    failed: bool


@dataclass(slots=True)
class Pair:
    """A step of A and its partner in B, or either alone. What is different, most telling first."""

    a: Step | None
    b: Step | None
    differences: tuple[Difference, ...] = ()

    @property
    def diverges(self) -> bool:
        return any(one in DIVERGING for one in self.differences)


@dataclass(slots=True)
class Comparison:
    """Each step of both traces once, in order. `first` is the place of the first step at which the runs part, or -1;
    `first_answer` that of the first with another answer. `hidden_a`, `hidden_b`: steps beyond `STEP_LIMIT`."""

    pairs: list[Pair] = field(default_factory=list)
    first: int = -1
    first_answer: int = -1
    hidden_a: int = 0
    hidden_b: int = 0

    def count(self, difference: Difference) -> int:
        return sum(difference in pair.differences for pair in self.pairs)

    @property
    def same(self) -> int:
        return sum(not pair.differences for pair in self.pairs)


def steps(spans: Sequence[StepSpan], tree: Tree, digests: Digests | None = None) -> list[Step]:
    """The steps of a trace by start; tools of one parent that ran at the same time by name and arguments.

    Which of several parallel calls begins first is chance and must not look like another way.
    """
    nodes = [node for node, index in enumerate(tree.order) if spans[index].type in STEP_TYPES]
    # An agent's span right inside one of the same agent is the same run told twice.
    nodes = [node for node in nodes if not is_told_twice(node, spans, tree)]
    nodes.sort(key=lambda node: (spans[tree.order[node]].start_ns, node))
    found: list[Step] = []
    together: list[Step] = []
    parent, busy_until = -2, 0
    for node in nodes:
        index = tree.order[node]
        span = spans[index]
        parallel = span.type == "tool" and together and tree.parent[node] == parent and span.start_ns < busy_until
        if not parallel:
            found += sorted(together, key=step_order)
            together = []
            busy_until = 0
        step = step_of(index, span, (digests or {}).get(span.span_id))
        parent = tree.parent[node]
        if span.type == "tool":
            together.append(step)
            busy_until = max(busy_until, span.end_ns)
        else:
            found.append(step)
    found += sorted(together, key=step_order)
    return [numbered(step, number) for number, step in enumerate(found, 1)]


def is_told_twice(node: int, spans: Sequence[StepSpan], tree: Tree) -> bool:
    over = tree.parent[node]
    if over < 0 or spans[tree.order[node]].type != "agent":
        return False
    inner, outer = spans[tree.order[node]], spans[tree.order[over]]
    return outer.type == "agent" and (inner.agent or inner.name) == (outer.agent or outer.name)


def step_order(step: Step) -> tuple[str, str, int]:
    return step.name, step.arguments, step.index


def numbered(step: Step, number: int) -> Step:
    return Step(step.index, number, step.type, step.name, step.model, step.arguments, step.answer, step.failed)


def step_of(index: int, span: StepSpan, digest: tuple[int, int] | None) -> Step:
    is_model = span.type in ("llm", "embedding", "rerank")
    model = (span.model or span.request_model) if is_model else ""
    name = {"llm": span.agent, "agent": span.agent or span.name}.get(span.type, span.tool_name or span.name)
    if span.type in ("embedding", "rerank"):
        name = model or span.name
    asked, told = digest or (0, 0)
    arguments = "" if span.type in ("llm", "agent") else normalised(span.input_preview, span.input_bytes, asked)
    answer = "" if span.type == "agent" else normalised(span.output_preview, span.output_bytes, told)
    return Step(index, 0, span.type, name, model, arguments, answer, span.status == "error")


def normalised(preview: str, size: int, digest: int) -> str:
    """A payload as a text that is equal when it says the same: JSON without regard to order and white space.

    Of a longer one than its preview the digest of the whole decides, where it is known, else its size too.
    """
    if size > len(preview.encode("utf-8", "replace")):
        return f"{preview}\0{digest or size}"
    value = parsed(preview)
    return " ".join(preview.split()) if value is None else canonical(value)


def parsed(text: str) -> Any:
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def compare(a: Sequence[Step], b: Sequence[Step]) -> Comparison:
    """The steps of two traces aligned. n·m / 16 machine words; a few tenths of a second at `STEP_LIMIT`."""
    made = Comparison(hidden_a=max(len(a) - STEP_LIMIT, 0), hidden_b=max(len(b) - STEP_LIMIT, 0))
    a, b = a[:STEP_LIMIT], b[:STEP_LIMIT]
    partners = aligned(a, b)
    between = {(left.stop, right.stop): (left, right) for left, right in gaps(partners, len(a), len(b))}
    for i, j in [*partners, (len(a), len(b))]:
        left, right = between.get((i, j), (range(0), range(0)))
        made.pairs += [Pair(a[k], None, ("only_a",)) for k in left]
        made.pairs += [Pair(None, b[k], ("only_b",)) for k in right]
        if i < len(a):
            made.pairs.append(Pair(a[i], b[j], differences(a[i], b[j])))
    made.first = next((n for n, pair in enumerate(made.pairs) if pair.diverges), -1)
    made.first_answer = next((n for n, pair in enumerate(made.pairs) if "answer" in pair.differences), -1)
    return made


def aligned(a: Sequence[Step], b: Sequence[Step]) -> list[tuple[int, int]]:
    """Partners as places in both, rising in both."""
    halves_a, halves_b = halves(a), halves(b)
    by_name: list[tuple[int, int]] = []
    by_all: list[tuple[int, int]] = []
    for i, j in common(halves_a, halves_b):
        (by_all if i % 2 else by_name).append((i // 2, j // 2))
    # A step whose two halves found different partners goes with the one that has its arguments.
    taken_a, taken_b = {i for i, _ in by_all}, {j for _, j in by_all}
    return sorted([*by_all, *((i, j) for i, j in by_name if i not in taken_a and j not in taken_b)])


def halves(steps: Sequence[Step]) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for step in steps:
        name = ("by name", step.type, step.name)
        found += [name, ("by all", step.type, step.name, step.model, step.arguments or step.answer)]
    return found


def differences(a: Step, b: Step) -> tuple[Difference, ...]:
    found: list[Difference] = []
    if a.model != b.model:
        found.append("model")
    if a.arguments != b.arguments:
        found.append("arguments")
    if a.failed != b.failed:
        found.append("status")
    if a.answer != b.answer:
        found.append("answer")
    return tuple(found)
