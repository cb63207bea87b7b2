"""Where to look first in a run that failed."""

from __future__ import annotations

import pytest

from tests.detectors.runs import Run
from tracestore.detectors.look_here import before_first_error, carried, hint

CODE = "```python\nprint(1)\n```"


def pointed(run: Run) -> int:
    found = hint(run.trajectory())
    assert found is not None
    assert found.reason.endswith(".")
    return [span.span_id for span in run.spans].index(found.span_id)


def test_figures_from_nowhere_come_first() -> None:
    run = Run()
    run.says("", asked="How many people live in Oslo and Bergen together?")
    run.says("Let me look at the two towns.", asked="plan")
    run.says("Oslo has 702,543 people and Bergen 286,930.")
    run.says(f"So I add them: {CODE}")
    assert pointed(run) == 2


def test_figures_that_a_tool_returned_are_from_somewhere() -> None:
    run = Run()
    run.says("", asked="Population?")
    run.tool("lookup", {"q": "Oslo"}, "702,543 in 2023")
    run.says("Oslo had 702,543 people in 2023.")
    run.says(f"I compute the share: {CODE}")
    assert pointed(run) == 3


def test_an_assumption_needs_only_one_figure() -> None:
    run = Run()
    run.says("", asked="Volume?")
    run.says("Let us assume a density of 1.37 for it.", asked="go on")
    assert pointed(run) == 1


def test_without_such_figures_it_is_the_first_code_that_failed_or_else_the_first() -> None:
    run = Run()
    run.says("The task is: count the stars.")
    run.says(CODE)
    run.tool("python", {"code": "print(1)"}, "1")
    run.says("There is one star.")
    assert pointed(run) == 1
    run.says(CODE)
    run.tool("python", {"code": "print(2)"}, "Traceback (most recent call last):\n  File x\nValueError: no")
    assert pointed(run) == 4
    run.says("There are 88 stars and 12 moons.")
    assert pointed(run) == 6


def test_a_run_that_broke_off_points_at_its_end() -> None:
    run = Run()
    run.says("Oslo has 702,543 people and Bergen 286,930.", asked="?")
    run._add(type="llm", name="chat", status="error")
    assert pointed(run) == 1


def test_else_the_first_thing_done() -> None:
    run = Run()
    run.says("I will search.", asked="Find it")
    run.tool("search", {"q": "it"}, "a page of text")
    run.says("It is nowhere.")
    assert pointed(run) == 1
    assert hint(Run().trajectory()) is None


def test_the_plain_rule_is_the_step_before_the_first_error() -> None:
    run = Run()
    run.says("plan")
    run.says(CODE)
    run.tool("python", {}, "Traceback (most recent call last):\n  File x\nValueError: no")
    assert before_first_error(run.trajectory()) == run.spans[1].span_id
    assert before_first_error(Run().trajectory()) == ""


def test_words_of_the_instruction_that_the_call_leaves_out() -> None:
    run = Run()
    run.says("Search the opening hours of the Munch museum in Oslo on Sundays", agent="lead")
    run.tool("search", {"q": "opening hours Munch museum Oslo Sundays"}, "…", agent="surfer")
    run.tool("search", {"q": "museum"}, "…", agent="surfer")
    whole, part = carried(run.trajectory())
    assert whole.left_out < 0.5 < part.left_out <= 1
    assert "munch" in part.missing


@pytest.mark.parametrize("said", ["", "Next speaker surfer"])
def test_without_an_instruction_nothing_is_measured(said: str) -> None:
    run = Run()
    run.says(said, agent="lead")
    run.tool("search", {"q": "museum"}, "…", agent="surfer")
    assert carried(run.trajectory()) == []
