from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import cycle, islice

import pytest

from tests.detectors.runs import SECOND, Run, found
from tracestore.detectors.detector import Norms, Usual
from tracestore.detectors.loop import LoopDetector, Settings

PASSAGES = "Passage about refunds: damaged items are refunded within thirty days of delivery, see the policy."
QUERY = {"query": "refund policy damaged item", "top_k": 5}


def test_the_third_time_the_same_call_returns_the_same_it_is_a_loop() -> None:
    run = Run()
    run.step("get_order", {"id": "ORD-1"}, "open")
    for _ in range(7):
        run.step("search", QUERY, PASSAGES)
    assert found("loop", run.trajectory(6)) == []
    early = found("loop", run.trajectory(8))[0]
    (finding,) = found("loop", run.trajectory())
    tools = [span for span in run.spans if span.tool_name == "search"]
    assert finding.severity == early.severity == "critical"
    assert finding.identity("p") == early.identity("p")
    assert finding.span_ids == tuple(span.span_id for span in tools)
    assert finding.look_first == tools[1].span_id
    assert finding.evidence["count"] == 7
    assert finding.evidence["distinct_arguments"] == 1
    # Six repeats, each asked for by one model call of 100 tokens.
    assert finding.wasted_tokens == 600
    assert finding.wasted_cost_usd == pytest.approx(0.06)
    assert "7 times" in finding.title
    assert finding.cause == "model"


@pytest.mark.parametrize(
    "spell",
    [
        lambda i: {"query": "refund policy damaged item" + " " * i, "top_k": 5},
        lambda i: {
            "top_k": 5,
            "query": ["Refund policy, damaged item", "refund  POLICY damaged item!", "item refund policy damaged"][
                i % 3
            ],
        },
        lambda i: {"query": "refund policy damaged item " + ["please", "latest", "info", "now"][i % 4], "top_k": 5},
        lambda i: f'query="refund policy damaged item{"?" * i}"',
    ],
    ids=["white space", "case, order, punctuation", "light words", "not JSON"],
)
def test_near_identical_calls_are_a_loop(spell: Callable[[int], object]) -> None:
    run = Run()
    for i in range(9):
        run.step("search", spell(i), PASSAGES.replace("policy", f"policy doc-{300 + 17 * i}"))
    (finding,) = found("loop", run.trajectory())
    assert len(finding.span_ids) == 9
    # A suspicion first, an alarm when it goes on.
    assert {f.severity for n in range(6, 10) for f in found("loop", run.trajectory(n))} <= {"warning", "critical"}
    assert finding.severity == "critical"


@pytest.mark.parametrize(
    ("given", "result"),
    [
        (
            lambda i: {"record_id": f"ORD-{9000 + 7 * i}"},
            lambda i: '{"status": "open", "amount": 79.9, "owner": "A. Jansen"}',
        ),
        (lambda i: {"query": f"weather in {CITIES[i]} today"}, lambda i: f"{CITIES[i]}: {i * 3} degrees, wind {i} m/s"),
        (lambda i: {"query": "all orders", "page": i}, lambda i: f"order {i * 11} of Mr {CITIES[i]}, order {i * 13}"),
        (lambda i: {"path": f"src/part{CITIES[i]}"}, lambda i: "ok"),
        (lambda i: {"path": "src" + "/" * bool(i) + CITIES[i] * bool(i)}, lambda i: ""),
        (lambda i: {"direction": "down"}, lambda i: f"The chapter about {CITIES[i]} tells of {CITIES[-i]} in {i}"),
        (lambda i: {"job": 7}, lambda i: f'{{"status": "running", "progress": {i * 10}}}'),
        (lambda i: {"room": CITIES[i], "state": "off", "device": "light"}, lambda i: '{"ok": true}'),
    ],
    ids=["records", "cities", "pages", "files", "folders", "scrolling", "waiting", "rooms"],
)
def test_progress_is_no_loop(given: Callable[[int], object], result: Callable[[int], str]) -> None:
    run = Run()
    for i in range(9):
        run.step("tool", given(i), result(i))
    assert found("loop", run.trajectory()) == []


CITIES = ["oslo", "rome", "paris", "kyiv", "lima", "cairo", "accra", "quito", "sofia"]


def test_pages_that_never_turn_are_a_loop() -> None:
    run = Run()
    for i in range(6):
        run.step("list_orders", {"filter": "all", "page": i}, PASSAGES)
    (finding,) = found("loop", run.trajectory())
    assert finding.evidence["rule"] == "nearly"


@pytest.mark.parametrize("period", range(2, 9))
def test_cycles_of_any_length(period: int) -> None:
    run = Run()
    run.step("start", {"now": 1}, "begun")
    for i in islice(cycle(range(period)), 4 * period):
        run.step(f"tool_{i}", {"place": i}, f"answer {CITIES[i]}")
    (finding,) = found("loop", run.trajectory())
    assert len(finding.span_ids) == 4 * period
    assert finding.evidence["period"] == period
    assert finding.severity == "critical"


def test_plan_and_act_without_tools() -> None:
    run = Run()
    for _ in range(4):
        run.says("I will now make a plan for the report of today", asked="go on")
        run.says("I will now carry out the plan that was made", asked="act")
    (finding,) = found("loop", run.trajectory())
    assert finding.evidence["rule"] == "cycle"
    assert len(finding.span_ids) == 8


def test_the_same_answer_again() -> None:
    run = Run()
    for _ in range(3):
        run.says("I have finished the task as you asked me to.", asked="continue")
    (finding,) = found("loop", run.trajectory())
    assert finding.title == "The same answer 3 times"


def test_one_label_for_many_inputs_is_no_loop() -> None:
    run = Run()
    for city in CITIES:
        run.says("The text is positive in its tone.", asked=f"Classify the review of {city}")
    assert found("loop", run.trajectory()) == []


def test_agents_that_only_hand_over() -> None:
    run = Run()
    for _ in range(3):
        run.step("transfer_to_support", {}, "", agent="billing")
        run.step("transfer_to_billing", {}, "", agent="support")
    (finding,) = found("loop", run.trajectory())
    assert finding.severity == "critical"
    assert finding.cause == "system"
    assert finding.evidence["agents"] == ["billing", "support"]


def test_agents_that_say_the_same_to_each_other() -> None:
    run = Run()
    for _ in range(3):
        run.says("Support must decide this, not me.", asked="x", agent="billing")
        run.tool("transfer_to_support", {}, "", agent="billing")
        run.says("Billing must decide this, not me.", asked="y", agent="support")
        run.tool("transfer_to_billing", {}, "", agent="support")
    (finding,) = found("loop", run.trajectory())
    assert finding.title == "billing and support said the same, 3 rounds"


def test_a_supervisor_with_busy_workers_is_no_loop() -> None:
    run = Run("supervisor")
    for i, city in enumerate(CITIES):
        run.tool("transfer_to_worker", {})
        run.step("lookup", {"city": city}, f"{city} has {i}00 inhabitants", agent="worker")
    assert found("loop", run.trajectory()) == []


def test_across_the_traces_of_a_session() -> None:
    run = Run()
    for place in range(4):
        run.trace_id = f"{place:032x}"
        run.step("search", QUERY, PASSAGES)
    finding = found("loop", run.trajectory(whole_session=True))[0]
    assert len(finding.span_ids) == 4
    assert finding.trace_id == f"{2:032x}"


def test_a_user_who_asks_something_else_begins_anew() -> None:
    run = Run()
    for place in range(5):
        run.trace_id = f"{place:032x}"
        run._add(type="agent", name="support", input=f"question about {CITIES[place]}")
        run.step("get_order", {"id": "ORD-1"}, "open")
    assert found("loop", run.trajectory(whole_session=True)) == []


def test_repeats_by_two_agents_are_no_loop_of_either() -> None:
    run = Run()
    for agent in ("a", "b", "c", "d"):
        run.step("search", QUERY, PASSAGES, agent=agent)
    assert found("loop", run.trajectory()) == []


def test_asked_for_at_once_is_one_decision() -> None:
    run = Run()
    for _ in range(6):
        run._add(
            type="tool", tool_name="search", name="search", input="q", output=PASSAGES, start_ns=0, end_ns=9 * SECOND
        )
    assert found("loop", run.trajectory()) == []


def test_tools_that_only_the_model_shows() -> None:
    run = Run()
    for _ in range(5):
        run.step("search", QUERY, PASSAGES)
    only = replace(run.trajectory(), spans=tuple(span for span in run.spans if span.type == "llm"))
    (finding,) = found("loop", only)
    assert len(finding.span_ids) == 5


def test_a_tool_reported_twice_is_one_call() -> None:
    run = Run()
    for _ in range(2):
        outer = run.step("search", QUERY, PASSAGES)
        inner = run.tool("search", QUERY, PASSAGES)
        run.spans[-1] = replace(inner, parent_span_id=outer.span_id)
    assert found("loop", run.trajectory()) == []


def test_two_loops_are_two_findings_and_stay_apart() -> None:
    run = Run()
    for query in ("delivery of parcels abroad", "opening hours on sunday"):
        for _ in range(4):
            run.step("search", {"query": query}, f"{PASSAGES} {query}")
    findings = found("loop", run.trajectory())
    assert [finding.key for finding in findings] == ["search", "search #2"]
    assert not set(findings[0].span_ids) & set(findings[1].span_ids)


def test_exempt_tools_and_thresholds_are_settings() -> None:
    run = Run()
    for _ in range(4):
        run.step("watch_queue", {}, "nothing there")
    assert found("loop", run.trajectory())
    assert found("loop", run.trajectory(), Settings(exempt=("watch_*",))) == []
    assert found("loop", run.trajectory(), Settings(again=5, often=5, nearly=5)) == []


def test_a_suspicion_in_a_dear_run_is_an_alarm() -> None:
    run = Run()
    for i in range(4):
        run.step("search", QUERY, PASSAGES)
        run.step("other", {"id": i}, f"record {CITIES[i]}")
    detector = LoopDetector()
    (cheap,) = detector.detect(run.trajectory(), detector.defaults, Norms())
    (dear,) = detector.detect(run.trajectory(), detector.defaults, Norms({"support": Usual(cost_p95=0.05)}))
    assert (cheap.severity, dear.severity) == ("warning", "critical")


def test_empty_results_are_the_datas_fault() -> None:
    run = Run()
    for _ in range(3):
        run.step("search", QUERY, "[]")
    assert found("loop", run.trajectory())[0].cause == "data"
