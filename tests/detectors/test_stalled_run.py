"""A silent run, and what it waits for."""

from __future__ import annotations

import pytest

from tests.detectors.runs import SECOND, Run
from tracestore.analysis.trajectory import Requested, Trajectory
from tracestore.detectors.detector import Norms, Usual
from tracestore.detectors.finding import Finding
from tracestore.detectors.stalled_run import Settings, StalledRun


def after(run: Run, seconds: float, norms: Norms | None = None, *, complete: bool = False) -> list[Finding]:
    last = max(span.end_ns for span in run.spans)
    looked = Trajectory("p", run.trace_id, tuple(run.spans), complete, last + int(seconds * SECOND))
    return StalledRun().detect(looked, Settings(), norms or Norms())


def asking(tool: str) -> Run:
    run = Run()
    run.step("get_order", {"id": 1}, "found")
    run._add(type="llm", name="chat", requested=(Requested("c9", tool, "{}"),))
    return run


@pytest.mark.parametrize(
    ("tool", "kind", "severity"),
    [
        ("export_report", "tool", "warning"),
        ("ask_user", "person", "info"),
        ("request_human_approval", "person", "info"),
    ],
)
def test_a_tool_that_was_asked_for_and_never_came_back_is_what_it_waits_for(
    tool: str, kind: str, severity: str
) -> None:
    (finding,) = after(asking(tool), 400)
    assert (finding.evidence["waiting_for"], finding.evidence["name"], finding.severity) == (kind, tool, severity)
    assert finding.look_first == f"{2:016x}"


def test_silence_is_measured_against_the_agent_and_the_tool() -> None:
    assert after(asking("export_report"), 290) == []
    slow_agent = Norms({"support": Usual(runs=50, gap_p99=200)})
    assert after(asking("export_report"), 590, slow_agent) == []
    assert after(asking("export_report"), 610, slow_agent)
    slow_tool = Norms(tools={"export_report": Usual(runs=50, seconds_p95=1000)})
    assert after(asking("export_report"), 2900, slow_tool) == []
    assert after(asking("other"), 2900, slow_tool)


def test_an_answer_without_a_root_is_probably_over() -> None:
    run = Run()
    run.step("get_order", {"id": 1}, "found")
    run.says("Your order is on its way.")
    (finding,) = after(run, 400)
    assert (finding.evidence["waiting_for"], finding.severity) == ("answered", "info")


def test_what_should_follow_a_result_did_not() -> None:
    run = Run()
    run.step("get_order", {"id": 1}, "found")
    (finding,) = after(run, 400)
    assert finding.title == "Stalled after get_order"
    (later,) = after(run, 2 * 86_400)
    assert later.title == "Lost: Stalled after get_order"
    assert later.identity("p") == finding.identity("p")


def test_a_process_that_sends_nothing_at_all_is_one_problem_for_all_its_runs() -> None:
    def run(tool: str = "get_order") -> Run:
        made = Run()
        made.tool(tool, {}, "found", service="shop")
        return made

    end = run().spans[-1].end_ns
    (silent,) = after(run(), 400, Norms(heard={"shop": end}))
    assert silent.evidence["waiting_for"] == "exporter"
    (other,) = after(run("another"), 400, Norms(heard={"shop": end}))
    assert silent.fingerprint == other.fingerprint
    (alive,) = after(run(), 400, Norms(heard={"shop": end + SECOND}))
    assert alive.evidence["waiting_for"] == "next step"


def test_a_run_that_is_over_is_not_stalled() -> None:
    assert after(asking("export_report"), 4000, complete=True) == []
