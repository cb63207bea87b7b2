"""The demo's story of on-call: the agent that asks is stopped in its loop, its next version is not; the receiver."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.operations.test_demo import NOW, FakeTime
from tracestore.demo import timetable
from tracestore.demo.fleet import FIXER, FIXER_AFTER, SUPPORT
from tracestore.demo.player import Player
from tracestore.demo.receiver import SIGNATURE, Receiver, in_one_line
from tracestore.demo.scenarios import tell
from tracestore.demo.story import Run

OPENED = {
    "status": "firing",
    "commonLabels": {"agent": "code-fixer"},
    "tracestore": {
        "event": "opened", "incident": 3, "severity": "critical", "title": "run_tests called 9 times",
        "cost": {"wasted_usd": 0.4213}, "url": "http://localhost:8000/incidents/3/",
    },
}  # fmt: skip


def test_the_agent_that_asks_is_stopped_in_its_loop_and_its_run_ends() -> None:
    time, said, sent = FakeTime(), list[str](), list[Any]()
    looping = tell("loop", FIXER, "seed", started_at=NOW, session="s", user="u")
    careless = tell("loop", SUPPORT, "seed", started_at=NOW, session="s", user="u")

    def why(run: Run) -> str:
        assert run is looping  # the other agent does not ask
        return "loop: run_tests called 4 times" if time.now > NOW + 15 else ""

    def send(request: Any) -> None:
        sent.extend(span for group in request.resource_spans for span in group.scope_spans[0].spans)

    player = Player(send, said.append, clock=lambda: time.now, sleep=time.sleep, why_halted=why)
    player.live([looping, careless], seconds=300)
    mine = [span for span in sent if span.trace_id == looping.trace_id]
    assert 3 < len(mine) < len(looping.steps)
    root = mine[-1]
    assert root.parent_span_id == b""
    assert (root.status.code, root.status.message) == (2, "Halted: loop: run_tests called 4 times")
    assert max(span.end_time_unix_nano for span in mine) == root.end_time_unix_nano <= (NOW + 17) * 1e9
    assert len({span.span_id for span in mine}) == len(mine)
    assert said == ["code-fixer was halted 16 s after its start: loop: run_tests called 4 times"]
    assert sum(span.trace_id == careless.trace_id for span in sent) == len(careless.steps)


def test_the_story_begins_with_a_loop_and_ends_with_a_repaired_version() -> None:
    loops = timetable.on_call("seed", NOW)
    assert loops.agent is FIXER
    assert len([step for step in loops.steps if step.kind == "tool"]) > 10
    runs = list(itertools.islice(timetable.live("seed", NOW), 400))
    assert runs[0].agent is FIXER_AFTER
    assert len([step for step in runs[0].steps if step.kind == "tool"]) <= 3
    assert {run.agent for run in runs if run.agent.name == FIXER.name} == {FIXER_AFTER}
    assert FIXER_AFTER.version != FIXER.version


def post(receiver: Receiver, body: bytes, signature: str) -> int:
    request = urllib.request.Request(receiver.url, data=body, headers={SIGNATURE: signature})
    with urllib.request.urlopen(request, timeout=10) as response:
        status: int = response.status
        return status


def test_the_receiver_believes_only_who_knows_the_secret() -> None:
    took: list[dict[str, Any]] = []
    body = json.dumps(OPENED).encode()
    signed = "sha256=" + hmac.new(b"secret", body, hashlib.sha256).hexdigest()
    with Receiver("secret", took.append) as receiver:
        assert post(receiver, body, signed) == 200
        for wrong in ("", "sha256=", signed[:-1] + ("0" if signed[-1] != "0" else "1"), signed.removeprefix("sha256=")):
            with pytest.raises(urllib.error.HTTPError) as refused:
                post(receiver, body, wrong)
            assert refused.value.code == 401
            refused.value.close()
        with pytest.raises(urllib.error.HTTPError) as refused:
            post(receiver, body + b" ", signed)
        refused.value.close()
        assert receiver.refused == 5
    assert took == [OPENED]


def test_a_message_is_one_line_whatever_is_in_it() -> None:
    assert in_one_line(OPENED) == (
        "opened #3 critical code-fixer: run_tests called 9 times · $0.4213 · http://localhost:8000/incidents/3/"
    )
    hostile = {"tracestore": {"title": "x\x1b[2J\n\r\u202eevil", "cost": None}, "commonLabels": None}
    line = in_one_line(hostile)
    assert line.isprintable()
    assert "evil" in line
    assert in_one_line({})
