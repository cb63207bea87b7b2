"""Evidence in words: what detectors give, and whatever a plug-in may give."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dashboard.evidence_view import MOST_TEXT, Fact, evidence_view

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
NAMES = st.sampled_from(
    ["before", "after", "call", "usual", "rate", "novelty", "beyond", "answer", "example_trace", "errors"]
)


def facts(evidence: dict[str, Any], **more: Any) -> dict[str, str]:
    return {fact.name: fact.text for fact in evidence_view(evidence, **more).facts}


def test_a_loop_is_told_by_its_call_and_counts() -> None:
    call = {"tool": "search", "arguments": '{"q": 1}'}
    evidence = {"rule": "again", "call": call, "count": 12, "novelty": [0.0, 0.5], "first_step": "ab" * 8}
    view = evidence_view(evidence)
    assert facts(evidence) == {
        "Rule": "again", "Call": "search", "How often": "12", "New words of each result": "0.0%, 50.0%",
        "First of them": "open",
    }  # fmt: skip
    assert Fact("First of them", "open", span="ab" * 8) in view.facts
    assert [(text.name, text.text) for text in view.texts] == [("Its arguments", '{"q": 1}')]


def test_rates_are_shares_and_costs_are_dollars() -> None:
    assert facts({"rate": 0.25, "usual": 0.01, "interval": [0.1, 0.4], "calls": 1200}) == {
        "Share now": "25.0%", "Usual": "1.0%", "95 % interval of it": "10.0%, 40.0%", "Calls": "1,200",
    }  # fmt: skip
    assert facts({"cost_usd": 2.5, "usual": 0.5}, money=True) == {"Cost": "$2.500", "Usual": "$0.5"}


def test_drift_shows_runs_of_before_and_after_side_by_side() -> None:
    view = evidence_view({
        "features": [{"after": 9.25, "before": 3.0, "feature": "length", "t": 4.0}],
        "before": [{"trace_id": "t1", "final": "a", "tools": ["look"]}], "after": [{"trace_id": "t2", "final": "b"}],
    })  # fmt: skip
    assert [(one.trace, one.text, one.tools) for one in view.before + view.after] == [
        ("t1", "a", ["look"]), ("t2", "b", []),
    ]  # fmt: skip
    assert (view.tables[0].columns, view.tables[0].rows) == (["Feature", "Before", "After"], [["length", "3", "9.25"]])


def test_before_and_after_may_be_figures() -> None:
    assert facts({"before": 1000, "after": 90000}) == {"Before": "1,000", "After": "90,000"}


def test_what_is_not_known_is_shown_by_its_name() -> None:
    assert facts({"shouted_words": 3, "z": {"a": 1}}) == {"Shouted words": "3"}


@given(st.dictionaries(NAMES | st.text(max_size=12), ANYTHING, max_size=6))
def test_no_evidence_breaks_the_page(evidence: dict[str, Any]) -> None:
    view = evidence_view(evidence)
    assert all(len(fact.text) <= MOST_TEXT + 30 for fact in view.facts)
