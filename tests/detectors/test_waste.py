"""What findings wasted together: no dollar twice."""

from __future__ import annotations

from tracestore.detectors.waste import kind_of_money, together


def test_runs_add_up_and_so_do_the_subjects_of_one_kind():
    assert together([("", 1.0), ("", 2.0)]) == 3.0
    assert together([("agent", 1.0), ("agent", 2.0)]) == 3.0
    assert together([]) == 0.0


def test_the_same_money_from_several_sides_counts_once():
    by_agent, by_user = [("agent", 12.75)], [("user", 5.0), ("user", 3.5), ("user", 2.2)]
    assert together([*by_agent, *by_user, ("model", 12.77), ("session", 5.0)]) == 12.77
    assert together([("", 1.0), *by_agent]) == 12.75


def test_the_kind_is_what_a_key_begins_with():
    assert kind_of_money("user:ann: the first", "") == "user"
    assert kind_of_money("search_kb", "") == "search_kb"
    assert kind_of_money("user:ann", "0af7") == ""
