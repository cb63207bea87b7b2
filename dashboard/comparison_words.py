"""Where two runs part, in words. Pure; the API says the same as the page."""

from __future__ import annotations

from dashboard.visible_text import visible
from tracestore.analysis.comparison import Comparison, Difference, Pair, Step

WORDS: dict[Difference, str] = {
    "only_a": "only in A",
    "only_b": "only in B",
    "model": "another model",
    "arguments": "other arguments",
    "status": "another outcome",
    "answer": "another answer",
}
KINDS = {
    "llm": "a model",
    "embedding": "the embedding model",
    "rerank": "the reranker",
    "agent": "the agent",
    "tool": "the tool",
    "retrieval": "the retrieval",
    "guardrail": "the guardrail",
    "evaluator": "the evaluator",
}


def called(step: Step) -> str:
    """`the tool search_kb`, `the model gpt-4o`."""
    if step.type == "llm":
        return f"the model {visible(step.model, limit=60)}" if step.model else "a model"
    return f"{KINDS.get(step.type, step.type)} {visible(step.name, limit=60)}".strip()


def first_difference(comparison: Comparison) -> str:
    """One or two sentences: where the runs part first, or that they do not."""
    if not comparison.pairs:
        return "Neither trace calls a model, a tool or an agent, so there are no steps to compare."
    if comparison.first < 0:
        same = f"Both runs took the same way, step by step ({len(comparison.pairs):,})."
        if comparison.first_answer < 0:
            return f"{same} Arguments and answers are the same too."
        pair = comparison.pairs[comparison.first_answer]
        return f"{same} Their answers differ first at {place(pair)}: {subject(pair)}."
    pair = comparison.pairs[comparison.first]
    before = comparison.first
    lead = f"The first {before:,} steps go the same way. " if before > 1 else "The first step is the same. " * before
    return lead + parting(comparison, pair)


def parting(comparison: Comparison, pair: Pair) -> str:
    if pair.a is None or pair.b is None:
        return one_sided(comparison, pair)
    at = f"At {place(pair)}"
    if "model" in pair.differences:
        return f"{at} A called {called(pair.a)}, B {called(pair.b)}."
    if "arguments" in pair.differences:
        return f"{at} both called {called(pair.a)}, with other arguments."
    failed, other = ("A", "B") if pair.a.failed else ("B", "A")
    return f"{at} {called(pair.a)} failed in {failed} and not in {other}."


def one_sided(comparison: Comparison, pair: Pair) -> str:
    """A step that the other run does not have: instead of another one, in between, or after its end."""
    following = comparison.pairs[comparison.first + 1 :]
    own, other = ("A", "B") if pair.a is not None else ("B", "A")
    step = pair.a or pair.b
    if step is None:
        return ""
    for later in following:
        theirs = later.b if own == "A" else later.a
        mine = later.a if own == "A" else later.b
        if theirs is not None and mine is None:
            return f"At step {step.number:,} {own} called {called(step)}, where {other} called {called(theirs)}."
        if theirs is not None:
            return f"At step {step.number:,} {own} called {called(step)}, which {other} did not do there."
    return f"{other} ends here; {own} goes on with step {step.number:,}, {called(step)}."


def place(pair: Pair) -> str:
    a, b = pair.a, pair.b
    if a is None or b is None or a.number == b.number:
        return f"step {(a or b).number:,}" if a or b else ""  # type: ignore[union-attr]
    return f"step {a.number:,} of A and {b.number:,} of B"


def subject(pair: Pair) -> str:
    step = pair.a or pair.b
    return called(step) if step is not None else ""
