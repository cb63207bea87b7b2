"""A full disk: senders are told to come back, nothing acknowledged is missing, and it recovers by itself."""

from __future__ import annotations

import contextlib
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from benchmarks.load import METHOD, SHAPES, Template, build
from tests.e2e.stack import API_KEY, Stack

#: A mount namespace of its own, which an ordinary user may have too where user namespaces are allowed.
NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")
SIZE = "96m"


def namespaces() -> bool:
    with contextlib.suppress(OSError):
        return subprocess.run([*NAMESPACE, "true"], capture_output=True).returncode == 0
    return False


pytestmark = pytest.mark.skipif(not namespaces(), reason="a small disk needs `unshare` with user namespaces")


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """The engine's files are on a disk of 96 MiB that only this stack sees."""
    disk = tmp_path / "data" / "clickhouse"
    disk.mkdir(parents=True)
    mount = f'mount -t tmpfs -o size={SIZE} tmpfs "$0" && exec "$@"'
    with Stack(tmp_path / "data", within=(*NAMESPACE, "sh", "-c", mount, str(disk))) as running:
        yield running


class Disk:
    """The disk as its owner sees it."""

    def __init__(self, stack: Stack) -> None:
        (engine,) = stack.children()["engine"]
        self.engine = engine.pid
        self.folder = Path(f"/proc/{engine.pid}/root{stack.data_dir}/clickhouse")
        self.ballast = self.folder / "ballast"

    def fill(self) -> None:
        with contextlib.suppress(OSError), self.ballast.open("ab", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def make_room(self) -> None:
        self.ballast.unlink()


def post(stack: Stack, body: bytes) -> tuple[int, str | None]:
    """The status and the Retry-After of an export."""
    headers = {"content-type": "application/x-protobuf", "x-api-key": API_KEY}
    request = urllib.request.Request(f"{stack.otlp_http}/v1/traces", data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, None
    except urllib.error.HTTPError as error:
        return error.code, error.headers["retry-after"]


def counts(stack: Stack) -> tuple[int, int]:
    ((total, distinct),) = stack.sql("SELECT count(), uniqExact(trace_id, span_id) FROM spans")
    return int(total), int(distinct)


def test_a_full_disk_refuses_and_recovers(stack: Stack) -> None:
    template = Template(build(SHAPES["small"], 1))
    before, during = template.renew(1), [template.renew(number) for number in range(2, 5)]
    assert post(stack, before) == (200, None)
    stack.wait_settled()
    disk = Disk(stack)

    disk.fill()
    for body in during:
        status, retry_after = post(stack, body)
        assert status == 503
        assert 2 <= int(retry_after or 0) <= 5
    with grpc.insecure_channel(stack.otlp_grpc) as channel:
        export = channel.unary_unary(METHOD, request_serializer=None, response_deserializer=None)
        with pytest.raises(grpc.RpcError) as caught:
            export(during[0], timeout=30, metadata=[("x-api-key", API_KEY)])
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "google.rpc.retryinfo-bin" in dict(caught.value.trailing_metadata())
    # What is stored can be read meanwhile.
    assert counts(stack) == (template.count, template.count)
    assert len(stack.api("traces/", limit=100)["results"]) == template.count // 16
    stack.assert_balanced()
    assert stack.ledger()["refused"] == 4 * template.count

    disk.make_room()
    end = time.monotonic() + 30
    for body in during:
        while post(stack, body)[0] != 200:
            assert time.monotonic() < end, "it does not recover"
            time.sleep(0.5)
    stack.wait_settled(60)
    assert counts(stack) == (4 * template.count, 4 * template.count)
    assert int(stack.sql("SELECT sum(span_count) FROM traces")[0][0]) == 4 * template.count
    assert [process.pid for process in stack.children()["engine"]] == [disk.engine], "the engine was restarted"
