"""The page of a trace of 10,000 spans in Chromium, of the whole product: `python -m benchmarks.trace_page [ROUNDS [TREE…]]`.

Starts Tracestore as a user does, sends the trace over OTLP and visits its page (`benchmarks/page_visits.py`). With one
or more other checkouts (TREE) their web processes run beside it on the same store and are visited in turn, so that two
versions are compared in one session. Prints a table; traffic stays on loopback.
"""

from __future__ import annotations

import http.cookiejar
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

# What is made of spans in the tests imports the readers of the store, which ask for settings.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracestore.settings")

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from benchmarks.page_visits import chromium, medians, visits
from tests.e2e.stack import ADMIN_PASSWORD, API_KEY, ROOT, Stack
from tests.ports import free_ports

SPANS = 10_000
TRACE = "a1" * 16
BATCH = 1_000


def requests() -> Iterator[bytes]:
    """The believable run of the tests as export requests; it ended half an hour ago."""
    from tests.pages.fake_reader import synthetic_trace

    rows = synthetic_trace(SPANS, trace_id=TRACE)
    later = time.time_ns() - 1_800 * 10**9 - rows[0].end_ns
    for begin in range(0, len(rows), BATCH):
        request = ExportTraceServiceRequest()
        spans = request.resource_spans.add().scope_spans.add().spans
        for row in rows[begin : begin + BATCH]:
            span = spans.add(
                trace_id=bytes.fromhex(row.trace_id),
                span_id=bytes.fromhex(row.span_id),
                parent_span_id=bytes.fromhex(row.parent_span_id),
                name=row.name,
                start_time_unix_nano=row.start_ns + later,
                end_time_unix_nano=row.end_ns + later,
            )
            if row.status == "error":
                span.status.code = Status.STATUS_CODE_ERROR
            words = {
                "llm": {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini"},
                "tool": {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": row.tool_name},
                "agent": {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": row.agent},
            }
            add(span, words.get(row.type, {}))
            if row.type == "llm":
                add(
                    span,
                    {"gen_ai.usage.input_tokens": row.input_tokens, "gen_ai.usage.output_tokens": row.output_tokens},
                )
        yield request.SerializeToString()


def add(span: Span, attributes: dict[str, str] | dict[str, int]) -> None:
    for key, value in attributes.items():
        attribute = span.attributes.add(key=key)
        if isinstance(value, str):
            attribute.value.string_value = value
        else:
            attribute.value.int_value = value


def send(stack: Stack) -> None:
    headers = {"content-type": "application/x-protobuf", "x-api-key": API_KEY}
    for body in requests():
        request = urllib.request.Request(f"{stack.otlp_http}/v1/traces", data=body, headers=headers)
        urllib.request.urlopen(request, timeout=60).close()
    stack.wait_settled(60)


def log_in(base: str) -> str:
    """The cookie of a session of the administrator."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', opener.open(f"{base}/login/").read().decode())
    assert found is not None
    form = {"csrfmiddlewaretoken": found[1], "username": "admin", "password": ADMIN_PASSWORD}
    opener.open(f"{base}/login/", data=urllib.parse.urlencode(form).encode()).close()
    return next(str(cookie.value) for cookie in jar if cookie.name == "sessionid")


@contextmanager
def web(stack: Stack, tree: str) -> Iterator[str]:
    """The address of the web process of a checkout, on the stack's store."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "uvicorn", "tracestore.asgi:application", "--port", str(port), "--lifespan=off"]
    environment = {**stack.environment, "PYTHONPATH": tree, "DJANGO_SETTINGS_MODULE": "tracestore.settings"}
    process = subprocess.Popen(
        [*command, "--no-access-log", "--log-level=warning"], cwd=tree, env=environment, stderr=subprocess.DEVNULL
    )
    base = f"http://127.0.0.1:{port}"
    try:
        while not Stack.answers(f"{base}/readyz"):
            time.sleep(0.2)
        yield base
    finally:
        process.terminate()
        process.wait(10)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    with tempfile.TemporaryDirectory(prefix="tracestore-bench-") as folder, ExitStack() as open_things:
        stack = open_things.enter_context(Stack(Path(folder)))
        send(stack)
        bases = {tree: open_things.enter_context(web(stack, tree)) for tree in [str(ROOT), *sys.argv[2:]]}
        cookies = {tree: log_in(base) for tree, base in bases.items()}
        taken: dict[tuple[str, str], list[dict[str, float]]] = {}
        browser = open_things.enter_context(chromium())
        for _ in range(rounds):
            for tree, base in bases.items():
                cold, warm, page = visits(browser, base, cookies[tree], f"/traces/{TRACE}/")
                page.context.close()
                taken.setdefault((tree, "first time"), []).append(cold)
                taken.setdefault((tree, "again"), []).append(warm)
        print(
            "| web process | visit | first byte | document parsed | first rows painted | columns there | whole drawn |"
        )
        print("|---|---|---|---|---|---|---|")
        for (tree, visit), figures in taken.items():
            found = medians(figures)
            cells = " | ".join(f"{found[name]:.0f} ms" for name in ("first", "parsed", "paint", "received", "drawn"))
            print(f"| {tree} | {visit} | {cells} |")


if __name__ == "__main__":
    main()
