"""The capacity model must agree with what was measured, and name what gives way, and leave room after each change."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks import capacity
from benchmarks.scaling.figures import ASSUMED, RECORDED
from benchmarks.scaling.layout import Layout, utilisations
from benchmarks.scaling.simulation import simulate, sustained
from benchmarks.scaling.steps import Step, needs, one_machine, steps, with_retention

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "scaling.md"


@pytest.fixture(scope="module")
def found() -> list[Step]:
    return steps(list(capacity.TIMES), RECORDED, ASSUMED)


def test_the_model_of_one_machine_agrees_with_what_was_measured() -> None:
    # Both are data; a tenth is what the machine's own runs differ by.
    assert sustained(one_machine(RECORDED, ASSUMED), RECORDED, ASSUMED) == pytest.approx(RECORDED.spans_per_s, rel=0.1)


def test_at_half_the_rate_nothing_falls_behind_and_beyond_it_something_does() -> None:
    machine = one_machine(RECORDED, ASSUMED)
    half = simulate(machine, RECORDED, ASSUMED, RECORDED.spans_per_s / 2)
    assert not any(stage.growth for stage in (half.senders, *half.stages))
    assert half.stored == pytest.approx(half.offered, rel=0.02)
    over = simulate(machine, RECORDED, ASSUMED, RECORDED.spans_per_s * 1.3)
    assert over.stage("detection").growth or over.stage("engine").growth or over.senders.growth


def test_no_span_is_lost_on_its_way() -> None:
    for rate in (500.0, 3_000.0, 9_000.0):
        outcome = simulate(one_machine(RECORDED, ASSUMED), RECORDED, ASSUMED, rate, seconds=300)
        held = outcome.senders.queue + outcome.stage("ingest").queue + outcome.stage("engine").queue
        assert outcome.stored * 300 + held == pytest.approx(rate * 300, rel=0.03)


def test_each_step_begins_too_small_names_what_gives_way_and_ends_with_room(found: list[Step]) -> None:
    assert not found[0].changes
    for step in found[1:]:
        assert step.changes[0].utilisation > 1
        before = (step.before.senders, *step.before.stages)
        assert any(stage.growth for stage in before)
        assert max(step.utilisations.values()) <= ASSUMED.planned + 1e-6
        assert not any(stage.growth for stage in (step.after.senders, *step.after.stages))
        assert step.after.stored == pytest.approx(step.after.offered, rel=0.02)
    firsts = [step.changes[0].part for step in found[1:]]
    assert firsts == ["cores of the machine", "parts of a table", "disk space of a shard"]


def test_more_load_never_needs_less(found: list[Step]) -> None:
    tables = [needs(step, RECORDED, ASSUMED) for step in found]
    for smaller, larger in pairwise(tables):
        assert all(larger[name] >= smaller[name] for name in smaller)


def test_dearer_spans_need_more_machines(found: list[Step]) -> None:
    dear = steps([100.0], replace(RECORDED, cpu_engine=RECORDED.cpu_engine * 4), ASSUMED)[0]
    usual = steps([100.0], RECORDED, ASSUMED)[0]
    assert dear.layout.machines > usual.layout.machines
    short = steps([100.0], RECORDED, with_retention(ASSUMED, 1))[0]
    assert short.layout.machines <= usual.layout.machines


def test_an_insert_through_all_shards_makes_no_fewer_parts_with_more_of_them() -> None:
    def parts(shards: int, *, by_shard: bool) -> float:
        layout = Layout(together=False, cores_per_machine=16, shards=shards, by_shard=by_shard)
        return utilisations(layout, RECORDED, ASSUMED, 40_000)["parts of a table"]

    assert parts(1, by_shard=False) == parts(10, by_shard=False)
    assert parts(10, by_shard=True) == pytest.approx(parts(1, by_shard=False) / 10)


def test_the_command_gives_the_same_as_json(found: list[Step], capsys: pytest.CaptureFixture[str]) -> None:
    assert capacity.main(["--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [step["layout"]["shards"] for step in told["steps"]] == [step.layout.shards for step in found]
    assert told["recorded"]["spans_per_s"] == RECORDED.spans_per_s


@pytest.mark.parametrize("given", [["--times", "0"], ["--spans", "-1"], ["--retention", "0"], ["--times", "1e9"]])
def test_what_is_not_possible_is_refused(given: list[str]) -> None:
    with pytest.raises(SystemExit):
        capacity.main(given)


def test_the_document_has_the_tables_of_the_command(found: list[Step]) -> None:
    text = DOCUMENT.read_text()
    missing = [line for line in capacity.report(found, RECORDED, ASSUMED).splitlines() if line and line not in text]
    assert not missing, "docs/scaling.md is behind `python -m benchmarks.capacity`:\n" + "\n".join(missing)
