"""The verdict by API, on its short way and on the long one, and as a stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from typing import Any

import pytest
from django.test import Client

from dashboard.api import verdict_lane, verdict_stream
from dashboard.api.verdict_lane import VerdictLane
from tests.api.conftest import with_key
from tracestore import keys, verdicts
from tracestore.alerts import halts
from tracestore.clickhouse.detecting import verdicts as reading
from tracestore.detectors.standing import Run, Standing, Subject
from tracestore.errors import Unavailable
from tracestore.models import Project
from tracestore.verdicts.board import Board
from tracestore.verdicts.service import service

pytestmark = pytest.mark.django_db
TRACE = "a" * 32
PATH = "/api/v1/verdict/"


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch, default_project: Project) -> Iterator[None]:
    def standings(wanted: Mapping[Subject, int], now_ns: int) -> dict[Subject, Standing]:
        return {one: Standing([Run(TRACE, 0.25, 4, 99, agents=("planner",))]) for one in wanted}

    monkeypatch.setattr(reading, "standings", standings)
    yield
    service.stop()


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Iterator[Board]:
    """A board that answers from memory, without its thread."""
    board = Board(live=True)
    monkeypatch.setattr(service, "_board", board)
    yield board
    assert board._pool is not None
    board._pool.shutdown()


def test_it_answers_all_of_its_fields(default_project: Project) -> None:
    client = with_key(default_project)
    found = client.get(PATH, {"trace_id": TRACE.upper()}).json()
    assert found["verdict"] == "continue"
    assert (found["reasons"], found["cost_usd"], found["steps"], found["tokens"]) == ([], 0.25, 4, 99)
    assert (found["halt_id"], found["until"]) == (None, None)
    assert found["checked_at"].endswith("Z")
    made = halts.halt("default", "agent", "planner", "enough", "ada")
    for asked in ({"trace_id": TRACE}, {"session_id": "s"}, {"agent": "planner"}):
        found = client.get(PATH, asked).json()
        assert (found["verdict"], found["reasons"], found["halt_id"]) == ("halt", ["Halted by ada: enough"], made.pk)


def test_other_projects_halt_nobody_here(default_project: Project, other_project: Project) -> None:
    halts.halt("other", "agent", "planner", "enough", "ada")
    assert with_key(default_project).get(PATH, {"agent": "planner"}).json()["verdict"] == "continue"
    assert with_key(other_project).get(PATH, {"agent": "planner"}).json()["verdict"] == "halt"


@pytest.mark.parametrize(
    "query", [{}, {"trace_id": "a", "agent": "b"}, {"agent": "x" * 3000}, {"agent": "a", "tool": "x" * 3000}]
)
def test_a_bad_question_is_refused(default_project: Project, query: dict[str, str]) -> None:
    assert with_key(default_project).get(PATH, query).status_code == 400


def test_who_may_not_read_is_not_told(default_project: Project, key_required: None) -> None:
    assert Client().get(PATH, {"trace_id": TRACE}).status_code == 401
    assert with_key(default_project, "ingest").get(PATH, {"trace_id": TRACE}).status_code == 403


def test_a_store_that_is_away_answers_continue(default_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(wanted: Mapping[Subject, int], now_ns: int) -> dict[Subject, Standing]:
        raise Unavailable("The store does not answer.")

    monkeypatch.setattr(reading, "standings", away)
    found = with_key(default_project).get(PATH, {"trace_id": TRACE})
    assert found.status_code == 200
    assert found.json()["reasons"] == ["No judgement: The store does not answer."]


# The short way


def scope(query: str = f"trace_id={TRACE}", key: str = "", **headers: str) -> dict[str, Any]:
    named = {"host": "localhost:8000", **({"x-api-key": key} if key else {}), **headers}
    return {
        "type": "http", "method": "GET", "path": PATH, "query_string": query.encode(), "client": ("127.0.0.1", 5),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in named.items()],
    }  # fmt: skip


@pytest.fixture
def key(default_project: Project) -> str:
    made = keys.create(default_project, "test", ("read",))
    keys.identify(made)
    return made


def test_the_short_way_says_the_same(live: Board, key: str) -> None:
    assert verdict_lane.answer(scope(key=key)) is None  # nobody asked before
    long = Client(headers={"x-api-key": key}).get(PATH, {"trace_id": TRACE}).json()
    body = verdict_lane.answer(scope(key=key))
    assert body is not None
    short = json.loads(body)
    assert {**short, "fresh_s": 0, "checked_at": ""} == {**long, "fresh_s": 0, "checked_at": ""}
    bearer = {"authorization": f"Bearer {key}"}
    assert verdict_lane.answer(scope(**bearer)) is not None
    assert verdict_lane.answer(scope()) is not None  # this machine, on an open installation


@pytest.mark.parametrize(
    "unusual",
    [
        {"query": "trace_id=x&agent=y"}, {"query": f"trace_id={'b' * 32}"}, {"key": "wrong"},
        {"host": "evil.example"}, {"host": ""}, {"cookie": "sessionid=1"}, {"x_forwarded_for": "1.2.3.4"},
        {"authorization": "Basic eDp5"}, {"query": f"trace_id={TRACE}&project=other"},
        {"x_tracestore_project": "other"}, {"query": "&".join(f"a{n}=1" for n in range(30))},
    ],
)  # fmt: skip
def test_what_is_not_plainly_the_usual_goes_the_long_way(live: Board, key: str, unusual: dict[str, str]) -> None:
    verdicts.ask("default", "trace_id", TRACE)
    assert verdict_lane.answer(scope(**unusual)) is None


def test_the_short_way_asks_for_a_key_where_one_is_required(
    live: Board, default_project: Project, key: str, key_required: None
) -> None:
    verdicts.ask("default", "trace_id", TRACE)
    assert verdict_lane.answer(scope()) is None
    assert verdict_lane.answer(scope(key=key)) is not None
    sender = keys.create(default_project, "sender", ("ingest",))
    keys.identify(sender)
    assert verdict_lane.answer(scope(key=sender)) is None


def test_a_halt_counts_on_the_short_way_too(live: Board, key: str) -> None:
    verdicts.ask("default", "trace_id", TRACE)
    halts.halt("default", "agent", "planner", "enough", "ada")
    assert verdict_lane.answer(scope(key=key)) is None  # it must be read
    assert verdicts.ask("default", "trace_id", TRACE).verdict == "halt"
    body = verdict_lane.answer(scope(key=key))
    assert body is not None
    assert json.loads(body)["verdict"] == "halt"


def test_everything_else_is_left_to_django() -> None:
    passed: list[str] = []

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        passed.append(scope["type"])

    async def run() -> None:
        lane = VerdictLane(app)
        for other in ({"type": "lifespan"}, {**scope(), "method": "POST"}, {**scope(), "path": PATH + "stream"}):
            await lane(other, None, None)  # type: ignore[arg-type]

    asyncio.run(run())
    assert passed == ["lifespan", "http", "http"]


def test_a_granted_stream_is_sent_in_front_of_django_until_the_reader_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict_stream, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(verdicts, "known", lambda *_: verdicts.Verdict())
    sent: list[dict[str, Any]] = []
    done: list[bool] = []

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        assert scope.pop(verdict_stream.OFFERED)
        scope[verdict_stream.GRANTED] = ("default", "trace_id", TRACE, "")
        await send({"type": "http.response.start", "status": 200, "headers": [(b"Content-Length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
        done.append(True)

    async def run() -> None:
        two = asyncio.Event()

        async def send(message: dict[str, Any]) -> None:
            assert done
            sent.append(message)
            if len(sent) == 3:
                two.set()

        async def receive() -> dict[str, Any]:
            await two.wait()
            return {"type": "http.disconnect"}

        await VerdictLane(app)({**scope(), "path": PATH + "stream"}, receive, send)  # type: ignore[arg-type]

    asyncio.run(run())
    assert sent[0]["headers"] == []
    assert sent[1]["body"].startswith(b"retry")
    assert sent[2]["body"].startswith(b"event: verdict")
    assert verdict_stream.streams.open == 0


# The stream


def test_a_stream_says_what_changes_and_beats(live: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict_stream, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(verdict_stream, "HEARTBEAT_SECONDS", 0.0)
    verdicts.ask("default", "trace_id", TRACE)
    answers = [verdicts.Verdict(), verdicts.Verdict(steps=5), verdicts.Verdict("halt", ["loop"])]
    monkeypatch.setattr(verdicts, "known", lambda *_: answers.pop(0) if answers else verdicts.Verdict("halt", ["loop"]))

    async def run() -> list[str]:
        said = []
        stream: AsyncIterator[bytes]
        async with aclosing(verdict_stream.events("default", "trace_id", TRACE, "")) as stream:  # type: ignore[type-var]
            async for part in stream:
                assert verdict_stream.streams.open == 1
                said.append(part.decode())
                if len(said) == 5:
                    break
        return said

    retry, first, beat, second, _ = asyncio.run(run())
    assert retry == "retry: 3000\n\n"
    assert first.startswith("event: verdict\nid: 1\ndata: {")
    assert first.endswith("}\n\n")
    assert beat.startswith(": ")
    assert json.loads(second.split("data: ")[1])["verdict"] == "halt"
    assert verdict_stream.streams.open == 0


def test_there_are_only_so_many_streams(default_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict_stream, "MOST_STREAMS", 0)
    answer = with_key(default_project).get(PATH + "stream", {"agent": "planner"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")


def test_a_stream_is_for_readers_and_one_subject(default_project: Project, key_required: None) -> None:
    assert Client().get(PATH + "stream", {"agent": "planner"}).status_code == 401
    assert with_key(default_project).get(PATH + "stream").status_code == 400
