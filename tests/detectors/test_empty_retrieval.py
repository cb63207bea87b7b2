"""A run that rests on nothing."""

from __future__ import annotations

import pytest

from tests.detectors.runs import Run
from tracestore.analysis.trajectory import Trajectory
from tracestore.detectors.detector import Norms
from tracestore.detectors.empty_retrieval import EmptyRetrieval, Settings
from tracestore.detectors.finding import Finding

ANSWER = "Our warranty covers batteries for three years, counted from the day of purchase."


def detect(run: Trajectory) -> list[Finding]:
    return EmptyRetrieval().detect(run, Settings(), Norms())


@pytest.mark.parametrize(
    "result",
    ["[]", '{"results": [], "total": 0}', '{"documents": [[]], "query": "warranty"}', "No results found.",
     "No matching documents found", "Nothing found", '""', "Error: index not reachable", "keine Treffer"],
)  # fmt: skip
def test_an_answer_after_an_empty_search_is_told(result: str) -> None:
    run = Run()
    run.tool("search_kb", {"q": "battery warranty"}, result)
    run.says(ANSWER)
    (finding,) = detect(run.trajectory())
    assert finding.cause == "data"
    assert finding.look_first == run.spans[0].span_id
    assert finding.evidence["retrievers"] == ["search_kb"]


def test_a_retrieval_says_itself_how_much_it_found() -> None:
    run = Run()
    run._add(type="retrieval", name="retrieve", output="[1]", attributes={"tracestore.retrieval.hits": 0})
    run.says(ANSWER)
    assert detect(run.trajectory())
    run.spans[0] = Run()._add(type="retrieval", name="retrieve", attributes={"tracestore.retrieval.hits": 3})
    assert detect(run.trajectory()) == []


@pytest.mark.parametrize(
    "answer",
    ["I could not find anything about that in our documents, shall I ask a colleague?",
     "There are no nonstop flights on that day, but I can look for another one.",
     "Leider habe ich dazu in unseren Unterlagen keinen Eintrag gefunden, tut mir leid.",
     "很抱歉，我在资料库里没有找到相关的保修信息，请问还需要其他帮助吗？如果需要，我可以为您转接人工客服继续处理这个问题。"],
)  # fmt: skip
def test_an_answer_that_says_so_is_honest(answer: str) -> None:
    run = Run()
    run.tool("search_kb", {"q": "battery warranty"}, "[]")
    run.says(answer)
    assert detect(run.trajectory()) == []


def test_something_else_that_was_found_is_enough() -> None:
    run = Run()
    run.tool("search_kb", {"q": "battery warranty"}, "[]")
    run.tool("get_product", {"id": 4}, '{"warranty": "3 years"}')
    run.says(ANSWER)
    assert detect(run.trajectory()) == []


def test_an_unfinished_run_and_results_that_were_not_captured_are_not_judged() -> None:
    run = Run()
    run.tool("search_kb", {"q": "x"}, "[]")
    run.says(ANSWER)
    assert detect(run.trajectory(complete=False)) == []
    unseen = Run()
    unseen.tool("search_kb", {"q": "x"})
    unseen.says(ANSWER)
    assert detect(unseen.trajectory()) == []
