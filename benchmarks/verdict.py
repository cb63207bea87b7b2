"""How quickly the verdict is answered while agents ask all the time.

    python -m benchmarks.verdict --web http://127.0.0.1:8000 --otlp http://127.0.0.1:4318 --key KEY

Asks a running Tracestore about as many runs as `--subjects` says, round robin, `--rate` times a second for `--seconds`,
over kept-alive connections of this one process, while spans of those runs come in once a second. Times are from the
moment that a question was due to its whole answer, so that a stall counts for all who wait in it ("coordinated
omission"). First questions about a run, which are read in line, are told apart.
"""

from __future__ import annotations

import argparse
import http.client
import json
import queue
import secrets
import statistics
import threading
import time
import urllib.request
from urllib.parse import urlsplit

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

#: Connections that questions are spread over.
CONNECTIONS = 16


def spans(traces: list[bytes]) -> bytes:
    """A model call for each run."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "verdict benchmark"
    scope = resource.scope_spans.add()
    for number, trace in enumerate(traces):
        span = scope.spans.add(trace_id=trace, name="chat", kind=3, span_id=secrets.token_bytes(8))
        span.parent_span_id = trace[:8]
        span.start_time_unix_nano = time.time_ns()
        span.end_time_unix_nano = span.start_time_unix_nano + 1_000_000
        for name, value in {
            "gen_ai.operation.name": "chat", "gen_ai.agent.name": f"agent-{number % 10}",
            "gen_ai.request.model": "gpt-4o-mini",
        }.items():  # fmt: skip
            span.attributes.add(key=name).value.string_value = value
        span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 1000
    return request.SerializeToString()


def send(otlp: str, key: str, traces: list[bytes]) -> None:
    headers = {"content-type": "application/x-protobuf", "x-api-key": key}
    urllib.request.urlopen(urllib.request.Request(f"{otlp}/v1/traces", spans(traces), headers), timeout=30).read()


def ask(
    web: str, key: str, due: queue.SimpleQueue[tuple[float, str] | None], took: list[float], words: list[str]
) -> None:
    connection = http.client.HTTPConnection(urlsplit(web).netloc, timeout=30)
    while (question := due.get()) is not None:
        at, trace = question
        connection.request("GET", f"/api/v1/verdict/?trace_id={trace}", headers={"x-api-key": key})
        answer = json.load(connection.getresponse())
        took.append(time.perf_counter() - at)
        words.append(f"{answer['verdict']} {'; '.join(answer['reasons'])[:40]}")
    connection.close()


def run(web: str, key: str, names: list[str], rate: float, count: int) -> list[float]:
    due: queue.SimpleQueue[tuple[float, str] | None] = queue.SimpleQueue()
    took: list[float] = []
    words: list[str] = []
    threads = [threading.Thread(target=ask, args=(web, key, due, took, words)) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    for number in range(count):
        at = began + number / rate
        time.sleep(max(at - time.perf_counter(), 0))
        due.put((at, names[number % len(names)]))
    for _ in threads:
        due.put(None)
    for thread in threads:
        thread.join()
    print({word: words.count(word) for word in set(words)})
    return took


def row(name: str, took: list[float]) -> str:
    took = sorted(took)
    cuts = [took[min(int(len(took) * part), len(took) - 1)] * 1000 for part in (0.95, 0.99)]
    middle = statistics.median(took) * 1000
    return f"| {name} | {len(took):,} | {middle:.1f} | {cuts[0]:.1f} | {cuts[1]:.1f} | {took[-1] * 1000:.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--web", default="http://127.0.0.1:8000")
    parser.add_argument("--otlp", default="http://127.0.0.1:4318")
    parser.add_argument("--key", default="")
    parser.add_argument("--subjects", type=int, default=100)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--seconds", type=float, default=20)
    chosen = parser.parse_args()
    traces = [secrets.token_bytes(16) for _ in range(chosen.subjects)]
    names = [trace.hex() for trace in traces]
    send(chosen.otlp, chosen.key, traces)
    time.sleep(2)
    stopping = threading.Event()

    def keep_sending() -> None:
        while not stopping.wait(1.0):
            send(chosen.otlp, chosen.key, traces)

    sender = threading.Thread(target=keep_sending)
    sender.start()
    first = run(chosen.web, chosen.key, names, 20, len(names))
    later = run(chosen.web, chosen.key, names, chosen.rate, int(chosen.rate * chosen.seconds))
    stopping.set()
    sender.join()
    print(f"{chosen.subjects} runs asked about, {chosen.rate:.0f} questions a second, ms\n")
    print("| what | questions | p50 | p95 | p99 | most |\n|---|---|---|---|---|---|")
    print(row("first question about a run", first))
    print(row("every other", later))


if __name__ == "__main__":
    main()
