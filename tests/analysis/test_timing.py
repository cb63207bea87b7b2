"""Self time and critical path on small traces that can be checked by eye."""

from __future__ import annotations

from tests.analysis.test_tree import Node
from tracestore.analysis.timing import critical_path, idle_gaps, self_times
from tracestore.analysis.tree import build


def path(spans: list[Node]) -> list[tuple[str, int, int]]:
    tree = build(spans)
    return [(spans[tree.order[s.node]].span_id, s.start_ns, s.end_ns) for s in critical_path(tree, spans)]


def own(spans: list[Node]) -> dict[str, int]:
    tree = build(spans)
    return {spans[i].span_id: time for i, time in zip(tree.order, self_times(tree, spans), strict=True)}


def test_self_time_counts_overlapping_children_once() -> None:
    spans = [Node("p", "", 0, 100), Node("a", "p", 10, 40), Node("b", "p", 30, 50), Node("c", "p", 35, 38)]
    assert own(spans) == {"p": 60, "a": 30, "b": 20, "c": 3}


def test_self_time_ignores_what_a_child_does_outside_its_parent() -> None:
    spans = [
        Node("p", "", 50, 100),
        Node("early", "p", 0, 60),
        Node("late", "p", 90, 300),
        Node("after", "p", 200, 250),
    ]
    assert own(spans)["p"] == 30


def test_the_path_follows_the_child_that_finished_last() -> None:
    spans = [Node("p", "", 0, 100), Node("short", "p", 10, 30), Node("long", "p", 10, 60), Node("last", "p", 70, 95)]
    assert path(spans) == [("p", 0, 10), ("long", 10, 60), ("p", 60, 70), ("last", 70, 95), ("p", 95, 100)]


def test_the_path_skips_what_ran_beside_it() -> None:
    spans = [Node("p", "", 0, 100), Node("slow", "p", 0, 90), Node("beside", "p", 20, 80)]
    assert path(spans) == [("slow", 0, 90), ("p", 90, 100)]


def test_the_path_goes_down_and_comes_back() -> None:
    spans = [Node("p", "", 0, 100), Node("a", "p", 10, 90), Node("b", "a", 20, 80)]
    assert path(spans) == [("p", 0, 10), ("a", 10, 20), ("b", 20, 80), ("a", 80, 90), ("p", 90, 100)]


def test_a_child_that_outlives_its_parent_counts_until_the_parents_end() -> None:
    spans = [Node("p", "", 0, 100), Node("a", "p", 60, 300)]
    assert path(spans)[:2] == [("p", 0, 60), ("a", 60, 100)]


def test_several_roots_are_one_path_and_gaps_are_on_nobody() -> None:
    spans = [Node("one", "", 0, 40), Node("two", "", 60, 90)]
    assert path(spans) == [("one", 0, 40), ("two", 60, 90)]


def test_nothing_has_no_path() -> None:
    assert path([]) == []


def test_a_run_is_idle_while_only_what_waits_is_open() -> None:
    ms = 1_000_000
    spans = [
        Node("p", "", 0, 2000 * ms),
        Node("a", "p", 0, 500 * ms),
        Node("b", "p", 100 * ms, 300 * ms),
        Node("c", "p", 550 * ms, 800 * ms),  # 50 ms are too short to tell
        Node("d", "p", 1200 * ms, 1500 * ms),
    ]
    assert idle_gaps(build(spans), spans) == [(800 * ms, 1200 * ms), (1500 * ms, 2000 * ms)]
    assert idle_gaps(build(spans[:1]), spans[:1]) == []
    assert idle_gaps(build([]), []) == []
