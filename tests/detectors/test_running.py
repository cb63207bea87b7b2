"""Running detectors: failures, bounds and settings; a detector of another package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.detectors.small import Breaks, Repeats, RepeatSettings
from tracestore.analysis.trajectory import TraceSpan, Trajectory
from tracestore.detectors import configured, registry, running
from tracestore.detectors.detector import Norms, TraceDetector, setting
from tracestore.detectors.finding import Finding
from tracestore.detectors.running import Tallies, judge
from tracestore.environment import ROOT
from tracestore.errors import InvalidInput


def calls(number: int) -> Trajectory:
    spans = tuple(
        TraceSpan("t", f"s{n}", "", "search", "tool", n, n + 1, agent="planner", tool_name="search", input="{}")
        for n in range(number)
    )
    return Trajectory("default", "t", spans)


def on(detector: Any, agent: str) -> Any:
    return detector.defaults


def run(*detectors: TraceDetector, trajectory: Trajectory | None = None) -> tuple[running.Said, Tallies]:
    tallies = Tallies()
    return judge(trajectory or calls(3), detectors, on, Norms(), tallies), tallies


def test_one_that_fails_hides_no_other_and_does_not_count_as_finished() -> None:
    said, tallies = run(Breaks(), Repeats())
    assert [one.detector for one in said.findings.values()] == ["loop"]
    assert said.finished == {"loop"}
    assert tallies.of["broken"].failure == "ValueError: no such thing"
    assert (tallies.of["loop"].looks, tallies.of["loop"].failures) == (1, 0)


class Many(Repeats):
    """Says a finding without end, with evidence without end."""

    evidence: Any = "x" * running.MOST_EVIDENCE

    def detect(self, trajectory: Trajectory, settings: Any, norms: Norms) -> Iterator[Finding]:
        for number in range(10**9):
            yield Finding(
                self.id, "1", "info", "", "", "", str(number), 0, 0, "t", ("s",) * 5_000, evidence={"e": self.evidence}
            )


def test_what_one_says_is_bounded() -> None:
    said, _ = run(Many())
    assert len(said.findings) == running.MOST_FINDINGS
    for one in said.findings.values():
        assert len(one.span_ids) == running.MOST_SPANS
        assert len(running.encoded(one.evidence)) < running.MOST_EVIDENCE


def test_evidence_that_is_no_json_and_findings_in_anothers_name_are_failures() -> None:
    class NoJson(Many):
        evidence = object()

    class Another(Repeats):
        def detect(self, *given: Any) -> Iterable[Finding]:
            return [replace(one, detector="other") for one in super().detect(*given)]

    for detector in (NoJson(), Another()):
        said, tallies = run(detector)
        assert (said.findings, tallies.of["loop"].failures) == ({}, 1)


def test_a_detector_that_is_off_says_nothing_and_takes_nothing_back() -> None:
    said = judge(calls(3), [Repeats()], lambda *_: None, Norms(), Tallies())
    assert (said.findings, said.finished) == ({}, set())


@dataclass(frozen=True)
class Listed:
    tools: tuple[str, ...] = setting(("wait",), "Tools.")


def test_settings_are_described_and_changed() -> None:
    assert [one["kind"] for one in configured.described(RepeatSettings())] == [
        "a whole number", "a number", "a text", "true or false",
    ]  # fmt: skip
    changed = configured.changed(RepeatSettings(), {"times": 5, "share": 1, "strict": True})
    assert changed == RepeatSettings(5, 1.0, "", True)
    assert isinstance(changed.share, float)
    assert configured.changed(Listed(), {"tools": ["a", "b"]}) == Listed(("a", "b"))
    for text, value in (("times=4", 4), ("share=0.25", 0.25), ("strict=true", True), ("note=a=b", "a=b")):
        assert configured.from_text(RepeatSettings(), text) == {text.partition("=")[0]: value}
    assert configured.from_text(Listed(), "tools=a, b") == {"tools": ["a", "b"]}


@pytest.mark.parametrize("text", ["times", "times=x", "strict=1", "share="])
def test_a_setting_in_a_wrong_form_names_its_field(text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        configured.from_text(RepeatSettings(), text)
    assert raised.value.field == text.partition("=")[0]


@given(st.dictionaries(st.sampled_from(["times", "share", "note", "strict", "other"]), st.none() | st.booleans()
                       | st.integers() | st.floats() | st.sampled_from(["", "4"])))  # fmt: skip
def test_whatever_is_sent_is_taken_within_bounds_or_refused_by_name(values: dict[str, Any]) -> None:
    fields = []
    try:
        taken = configured.changed(RepeatSettings(), values)
    except InvalidInput as error:
        fields.append(error.field)
    if fields:
        assert fields[0] in values
        return
    assert 2 <= taken.times <= 100
    assert 0 <= taken.share <= 1
    assert {name: getattr(taken, name) for name in values} == values


def example() -> str:
    """The example of docs/detection.md."""
    text = (ROOT / "docs/detection.md").read_text()
    return text.partition("```python\n")[2].partition("```")[0]


def test_the_example_of_a_plug_in_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As another package would add it: through an entry point of the group."""
    assert len(list(filter(None, example().splitlines()))) <= 20
    (tmp_path / "shouting.py").write_text(example())
    monkeypatch.syspath_prepend(str(tmp_path))
    entry = EntryPoint("shouting", "shouting:detector", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry] if group == registry.GROUP else [])
    for cached in (registry._plugins, registry.trace_detectors, registry.window_detectors):
        cached.cache_clear()
    try:
        (added,) = [one for one in registry.trace_detectors() if one.id == "shouting"]
        span = TraceSpan("t", "s", "", "chat", "llm", 1, 2, agent="planner", output="STOP SHOUTING AT ME")
        said, tallies = run(added, trajectory=Trajectory("default", "t", (span,)))
        assert tallies.of["shouting"].failures == 0
        (one,) = said.findings.values()
        assert (one.span_ids, one.severity) == (("s",), "info")
        quiet = run(added, trajectory=Trajectory("default", "t", (replace(span, output="Please."),)))[0]
        assert quiet.findings == {}
    finally:
        for cached in (registry._plugins, registry.trace_detectors, registry.window_detectors):
            cached.cache_clear()
