"""A detector of several parts has one set of settings; each part takes what it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.detectors.small import ManyErrors, Repeats
from tracestore import detector_settings
from tracestore.detector_settings import Choice, ProjectSettings
from tracestore.detectors.detector import setting
from tracestore.errors import InvalidInput


@dataclass(frozen=True)
class Shares:
    floor: float = setting(0.05, "Least share.", minimum=0, maximum=1)
    times: int = setting(5, "At least so often.", minimum=5)


class Windows(ManyErrors):
    id = "loop"
    defaults: Any = Shares()


PARTS = [Repeats(), Windows()]


def test_settings_of_all_parts_are_described_once() -> None:
    found = {one["name"]: one["default"] for one in detector_settings.described(PARTS)}
    assert found == {"times": 3, "share": 0.5, "note": "", "strict": False, "floor": 0.05}


def test_each_part_takes_what_it_has() -> None:
    run, window = detector_settings.chosen(PARTS, {"times": 7, "floor": 0.2})
    assert (run.times, window.times, window.floor) == (7, 7, 0.2)
    settings = ProjectSettings(
        {("loop", ""): Choice(values={"floor": 0.2, "times": 6}), ("loop", "a"): Choice(values={"times": 9})}
    )
    assert (settings.of(PARTS[0], "").times, settings.of(PARTS[0], "a").times) == (6, 9)
    assert settings.of(PARTS[1], "a") == Shares(0.2, 9)


@pytest.mark.parametrize("values", [{"times": 4}, {"floor": 2}, {"other": 1}])
def test_what_one_part_cannot_take_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as raised:
        detector_settings.chosen(PARTS, values)
    assert raised.value.field == next(iter(values))


def test_values_that_fit_no_more_after_an_upgrade_are_left_out() -> None:
    settings = ProjectSettings({("loop", ""): Choice(values={"times": 1, "share": 0.25, "gone": 1})})
    found = settings.of(PARTS[0], "")
    assert (found.times, found.share) == (3, 0.25)


def test_who_halts() -> None:
    settings = ProjectSettings({("loop", "a"): Choice(halts=False), ("stalled_run", ""): Choice(halts=True)})
    assert [settings.halts("loop", agent) for agent in ("", "a", "b")] == [True, False, True]
    assert settings.halts("stalled_run", "a")
    assert not settings.halts("context_growth", "a")
