"""Two traces side by side, ready to be shown: figures, and steps with what differs. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from dashboard import figures_as_text
from dashboard.compared_traces import Compared
from dashboard.comparison_words import WORDS, first_difference
from dashboard.visible_text import visible
from tracestore.analysis.comparison import Pair, Step
from tracestore.clickhouse.rows import SpanRow, TraceSummary

#: Rows shown at most; the API has all.
ROW_LIMIT = 1_500
#: Runs of same steps are folded from here on.
FOLD_FROM = 4
NAMES_SHOWN = 12


@dataclass(slots=True)
class Figure:
    """One line of the summary. `more` is True where B has more, False for less, None for the same or unknown."""

    word: str
    a: str
    b: str
    delta: str
    more: bool | None = None
    title_a: str = ""
    title_b: str = ""


@dataclass(slots=True)
class StepView:
    row: SpanRow
    number: int
    type: str
    name: str
    arguments: str
    failed: bool


@dataclass(slots=True)
class RowView:
    """`words` say what differs; of a row with two steps that are not partners, that they are others."""

    a: StepView | None
    b: StepView | None
    words: list[str]
    diverges: bool
    is_pair: bool
    duration: str = ""
    cost: str = ""
    tokens: str = ""
    is_first: bool = False


@dataclass(slots=True)
class Group:
    """Neighbouring rows. A folded one holds steps that are the same in both."""

    rows: list[RowView]
    is_same: bool
    is_folded: bool = False


@dataclass(slots=True)
class ComparisonView:
    sentence: str
    figures: list[Figure]
    groups: list[Group]
    counts: list[str] = field(default_factory=list)
    different: int = 0
    hidden: int = 0


def comparison_view(found: Compared) -> ComparisonView:
    rows = row_views(found)
    groups = [Group(list(own), same) for same, own in groupby(rows[:ROW_LIMIT], key=lambda row: not row.words)]
    for group in groups:
        group.is_folded = group.is_same and len(group.rows) >= FOLD_FROM
    comparison = found.comparison
    counts = [f"{comparison.same:,} the same"]
    counts += [f"{comparison.count(kind):,} {word}" for kind, word in WORDS.items() if comparison.count(kind)]
    return ComparisonView(
        first_difference(comparison),
        figures(found),
        groups,
        counts,
        sum(bool(row.words) for row in rows),
        max(len(rows) - ROW_LIMIT, 0),
    )


def row_views(found: Compared) -> list[RowView]:
    """The pairs as rows; what A did instead of what B did stands on one row."""
    pairs, first = found.comparison.pairs, found.comparison.first
    rows: list[RowView] = []
    at = 0
    while at < len(pairs):
        if pairs[at].a is not None and pairs[at].b is not None:
            rows.append(row_view(found, pairs[at], at == first))
            at += 1
            continue
        alone = at
        while alone < len(pairs) and (pairs[alone].a is None or pairs[alone].b is None):
            alone += 1
        left = [pair.a for pair in pairs[at:alone] if pair.a is not None]
        right = [pair.b for pair in pairs[at:alone] if pair.b is not None]
        for place in range(max(len(left), len(right))):
            a = left[place] if place < len(left) else None
            b = right[place] if place < len(right) else None
            words = ["another step"] if a and b else [WORDS["only_a" if a else "only_b"]]
            rows.append(
                RowView(
                    step_view(a, found.spans_a), step_view(b, found.spans_b), words, True, False,
                    is_first=place == 0 and at == first,
                )
            )  # fmt: skip
        at = alone
    return rows


def row_view(found: Compared, pair: Pair, is_first: bool) -> RowView:
    a, b = step_view(pair.a, found.spans_a), step_view(pair.b, found.spans_b)
    made = RowView(a, b, [WORDS[one] for one in pair.differences], pair.diverges, True, is_first=is_first)
    if a is not None and b is not None:
        made.duration = signed(b.row.duration_ns - a.row.duration_ns, figures_as_text.duration)
        if a.row.cost_usd is not None and b.row.cost_usd is not None:
            made.cost = signed(b.row.cost_usd - a.row.cost_usd, figures_as_text.cost)
        used = (a.row.input_tokens + a.row.output_tokens, b.row.input_tokens + b.row.output_tokens)
        made.tokens = signed(used[1] - used[0], figures_as_text.tokens) if any(used) else ""
    return made


def step_view(step: Step | None, spans: Sequence[SpanRow]) -> StepView | None:
    if step is None:
        return None
    row = spans[step.index]
    name = (step.model or step.name) if step.type == "llm" else step.name
    told = row.input_preview if step.type not in ("llm", "agent") else ""
    return StepView(
        row,
        step.number,
        step.type,
        visible(name, limit=80) or "(no name)",
        visible(" ".join(told.split()), limit=160),
        step.failed,
    )


def signed(value: float, form: Callable[[int], str] | Callable[[float], str]) -> str:
    """`+1.2 s`, `−$0.01`; '±0' for no difference."""
    if not value:
        return "±0"
    return f"{'+' if value > 0 else '−'}{form(abs(value))}"  # type: ignore[arg-type]


def figures(found: Compared) -> list[Figure]:
    a, b = found.a, found.b
    made = [
        figure("Duration", a.duration_ns, b.duration_ns, figures_as_text.duration),
        cost_figure(a, b),
        figure("Tokens in", a.input_tokens, b.input_tokens, figures_as_text.tokens),
        figure("Tokens out", a.output_tokens, b.output_tokens, figures_as_text.tokens),
        figure("Model calls", a.llm_calls, b.llm_calls, number),
        figure("Tool calls", a.tool_calls, b.tool_calls, number),
        figure("Errors", a.errors, b.errors, number),
        figure("Spans", a.span_count, b.span_count, number),
    ]
    return made + called_figures(found)


def number(count: float) -> str:
    return f"{int(count):,}"


def figure(word: str, a: int, b: int, form: Callable[[int], str]) -> Figure:
    more = None if a == b else b > a
    exact = ("", "") if form in (number, figures_as_text.duration) else (f"{a:,}", f"{b:,}")
    return Figure(word, form(a), form(b), signed(b - a, form) + share(a, b), more, *exact)


def share(before: float, after: float) -> str:
    """` (+9%)`, ` (×3.2)`; never a rounding to nothing or to all. '' where there is nothing to be a share of."""
    if before <= 0 or after == before:
        return ""
    if after >= 2 * before:
        return f" (×{figures_as_text.significant(after / before, 2)})"
    percent = (after - before) / before * 100
    if 0 < abs(percent) < 1:
        return " (< 1%)"
    rounded = max(round(percent), -99) if after else -100
    return f" ({rounded:+d}%)".replace("-", "−")


def cost_figure(a: TraceSummary, b: TraceSummary) -> Figure:
    known = a.cost_usd is not None and b.cost_usd is not None
    made = Figure("Cost", cost_words(a), cost_words(b), "")
    if known:
        before, after = a.cost_usd or 0.0, b.cost_usd or 0.0
        made.more = None if before == after else after > before
        made.delta = signed(after - before, figures_as_text.cost) + share(before, after)
    return made


def cost_words(summary: TraceSummary) -> str:
    unpriced = (
        f" + {summary.unpriced_calls:,} unpriced" if summary.unpriced_calls and summary.cost_usd is not None else ""
    )
    return figures_as_text.cost(summary.cost_usd) + unpriced


def called_figures(found: Compared) -> list[Figure]:
    """Tools and models that one run called more often than the other, the largest difference first."""
    made: list[tuple[int, Figure]] = []
    for word, of in (("Tool", tool_of), ("Model", model_of)):
        left, right = (Counter(filter(None, map(of, spans))) for spans in (found.spans_a, found.spans_b))
        for name in left.keys() | right.keys():
            if left[name] != right[name]:
                made.append(
                    (
                        abs(left[name] - right[name]),
                        figure(f"{word} {visible(name, limit=60)}", left[name], right[name], number),
                    )
                )
    made.sort(key=lambda one: (-one[0], one[1].word))
    return [one for _, one in made[:NAMES_SHOWN]]


def tool_of(span: SpanRow) -> str:
    return (span.tool_name or span.name) if span.type == "tool" else ""


def model_of(span: SpanRow) -> str:
    return (span.model or span.request_model) if span.type == "llm" else ""
