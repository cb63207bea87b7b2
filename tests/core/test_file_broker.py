"""The broker of files: messages arrive whole, whoever writes them and whenever one looks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection
from kombu.utils.json import dumps

from tracestore import file_broker


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, str]:
    found = {
        "data_folder_in": tmp_path / "queue",
        "data_folder_out": tmp_path / "queue",
        "processed_folder": tmp_path / "done",
        "control_folder": tmp_path / "control",
    }
    for folder in found.values():
        folder.mkdir(exist_ok=True)
    return {name: str(folder) for name, folder in found.items()}


@pytest.fixture
def channel(folders: dict[str, str]) -> Iterator[file_broker.Channel]:
    with Connection(transport=file_broker.Transport, transport_options=folders) as connection:
        yield connection.channel()


def test_messages_come_in_order_and_once(channel: file_broker.Channel, tmp_path: Path) -> None:
    for number in range(20):
        channel._put("jobs", {"n": number})
    channel._put("others", {"n": 99})
    assert [channel._get("jobs")["n"] for _ in range(20)] == list(range(20))
    with pytest.raises(Empty):
        channel._get("jobs")
    assert list((tmp_path / "done").iterdir()) == []


def test_a_message_that_is_still_being_written_is_waited_for(channel: file_broker.Channel, tmp_path: Path) -> None:
    file = (tmp_path / "queue" / "1_x.jobs.msg").open("w")

    def write_later() -> None:
        time.sleep(0.1)
        file.write(dumps({"n": 1}))
        file.close()

    thread = threading.Thread(target=write_later)
    thread.start()
    assert channel._get("jobs") == {"n": 1}
    thread.join()


def test_a_half_written_message_does_not_end_the_worker(channel: file_broker.Channel, tmp_path: Path) -> None:
    (tmp_path / "queue" / "1_x.jobs.msg").write_text('{"n": ')
    channel._put("jobs", {"n": 2})
    assert channel._get("jobs") == {"n": 2}


def test_a_reader_that_never_stops_looking_never_sees_half_a_message(
    channel: file_broker.Channel, folders: dict[str, str]
) -> None:
    def write() -> None:
        with Connection(transport=file_broker.Transport, transport_options=folders) as other:
            for number in range(300):
                other.channel()._put("jobs", {"n": number, "text": "x" * 5000})

    thread = threading.Thread(target=write)
    thread.start()
    seen = []
    until = time.monotonic() + 30
    while len(seen) < 300 and time.monotonic() < until:
        try:
            seen.append(channel._get("jobs")["n"])
        except Empty:
            time.sleep(0)
    thread.join()
    assert sorted(seen) == list(range(300))


def test_waiting_for_a_message_is_short(folders: dict[str, str]) -> None:
    with Connection(transport=file_broker.Transport, transport_options=folders) as connection:
        began = time.monotonic()
        with pytest.raises((TimeoutError, Empty)):
            connection.SimpleQueue("jobs").get(timeout=0.3)
        assert time.monotonic() - began < 5


def test_the_worker_process_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from kombu.transport import TRANSPORT_ALIASES, resolve_transport

    monkeypatch.setitem(TRANSPORT_ALIASES, "filesystem", TRANSPORT_ALIASES["filesystem"])
    file_broker.install()
    assert resolve_transport("filesystem") is file_broker.Transport
