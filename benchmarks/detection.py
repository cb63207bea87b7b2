"""What detection costs, and how soon a loop in a running trace is found.

    python -m benchmarks.detection                        # CPU per 1,000 realistic spans, by part and detector
    python -m benchmarks.detection --seeds 60             # of as many requests each has texts of its own
    python -m benchmarks.detection --live http://127.0.0.1:8000 --otlp http://127.0.0.1:4318 --key KEY

The first writes realistic requests (benchmarks/load.py) straight through the writer and looks at them as
the worker would once a second under load: CPU of the engine and of this process, never wall time. A look has
no limit of time here, so that every version does the same work. The second sends loops, a step a request, to a Tracestore that runs on this machine, and asks for the verdict
until it halts: seconds from the answer to the third repeat. Run benchmarks/load.py beside it for a figure under load.
"""

from __future__ import annotations

import argparse
import json
import secrets
import statistics
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from django.core.management import call_command

import benchmarks.django_ready  # noqa: F401 (before anything of tracestore)
from benchmarks.loops import step
from benchmarks.otlp_requests import SHAPES, SPANS_PER_REQUEST, Template, build
from benchmarks.store import started
from tracestore import detection, detector_runs
from tracestore.clickhouse import client, queries
from tracestore.clickhouse.detecting import findings
from tracestore.clickhouse.writer import SpanWriter
from tracestore.detector_settings import ProjectSettings
from tracestore.detectors import registry
from tracestore.detectors.detector import Norms
from tracestore.detectors.running import Tallies
from tracestore.spans.decode import decode_protobuf
from tracestore.spans.normalise import normalise
from tracestore.spans.resolve import resolve

STATEMENTS = (
    "detect_changed", "settle_known", "detect_spans", "detect_payloads", "detect_sessions", "detect_stored",
    "detect_begin",
)  # fmt: skip
#: Parts of a look in this process, beside the detectors.
ASKING, READING, STORING = "statements and their answers", "spans out of rows", "findings compared and stored"


class Settings:
    """The defaults of every detector, without a database."""

    def of(self, project: str) -> ProjectSettings:
        return ProjectSettings()


class Usual:
    """No norms: they are read once an hour."""

    def of(self, project: str) -> Norms:
        return Norms()


def cost(requests: int, passes: int, shape: str, seeds: int) -> None:
    detection.PASS_SECONDS = detection.SESSIONS_SECONDS = float("inf")
    names = {queries.load(name): name for name in STATEMENTS}
    spent: dict[str, float] = defaultdict(float)
    total = Tallies()

    def counted(tallies: Tallies) -> None:
        for name, tally in tallies.of.items():
            total.one(name).add(tally)

    detector_runs.count = counted  # type: ignore[assignment]
    call_command("migrate", verbosity=0)  # a look asks which projects are closed
    looker = detection.Looker()
    looker.settings, looker.norms = Settings(), Usual()  # type: ignore[assignment]
    traces = 0
    own = 0.0
    inside: dict[str, float] = defaultdict(float)
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as engine:
        process = psutil.Process(engine.pid)
        run = client.run

        def measured(query: str, *rest: Any, **named: Any) -> Any:
            before, began = process.cpu_times(), time.process_time()
            answer = run(query, *rest, **named)
            after = process.cpu_times()
            inside[ASKING] += time.process_time() - began
            spent[names.get(query, "other")] += after.user + after.system - before.user - before.system
            return answer

        def timed(part: str, work: Callable[..., Any]) -> Callable[..., Any]:
            """The same work; what it takes but for its statements is counted to a part."""

            def doing(*given: Any, **named: Any) -> Any:
                asked, began = inside[ASKING], time.process_time()
                answer = work(*given, **named)
                inside[part] += time.process_time() - began - (inside[ASKING] - asked)
                return answer

            return doing

        looker.traces._read = timed(READING, looker.traces._read)  # type: ignore[method-assign]
        findings.update = timed(STORING, findings.update)
        templates = [Template(build(SHAPES[shape], seed)) for seed in range(1, seeds + 1)]
        for one in range(passes):
            for number in range(requests):
                template = templates[(one * requests + number) % seeds]
                spans = [normalise(record) for record in decode_protobuf(template.renew(one * 1000 + number)).records]
                resolve(spans)
                SpanWriter().write([("default", span) for span in spans])
            time.sleep(0.5)  # background merges of what was just written are not the look's
            client.run = measured
            began = time.process_time()
            while True:
                done = looker.look()
                traces += done.traces
                if not done.more:
                    break
            own += time.process_time() - began
            client.run = run
    thousands = passes * requests * SPANS_PER_REQUEST / 1000
    made = sum(tally.findings for tally in total.of.values())
    print(f"{shape}: {thousands:.0f} thousand spans, {traces:,} looks at traces, {made:,} findings\n")
    print("| part | CPU ms per 1,000 spans |\n|---|---|")
    for name, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"| engine, {name} | {seconds * 1000 / thousands:.2f} |")
    judging = sum(tally.cpu_seconds for tally in total.of.values())
    for part, seconds in inside.items():
        print(f"| worker, {part} | {seconds * 1000 / thousands:.2f} |")
    print(f"| worker, the rest of a look | {(own - judging - sum(inside.values())) * 1000 / thousands:.2f} |")
    for name, tally in total.of.items():
        failed = f" ({tally.failures} failures)" if tally.failures else ""
        print(f"| worker, detector {name}{failed} | {tally.cpu_seconds * 1000 / thousands:.2f} |")
    print(f"| engine | {sum(spent.values()) * 1000 / thousands:.2f} |")
    print(f"| worker | {own * 1000 / thousands:.2f} |")
    print(f"| all | {(sum(spent.values()) + own) * 1000 / thousands:.2f} |")
    print(f"\n{len(registry.trace_detectors())} detectors of runs: "
          + ", ".join(one.id for one in registry.trace_detectors()))  # fmt: skip


def live(web: str, otlp: str, key: str, loops: int) -> None:
    took = []
    for _ in range(loops):
        trace = secrets.token_bytes(16)
        for number in range(3):
            body = step(trace)
            request = urllib.request.Request(f"{otlp}/v1/traces", body, {"content-type": "application/x-protobuf"})
            request.add_header("x-api-key", key)
            urllib.request.urlopen(request, timeout=30).read()
            began = time.monotonic()
            if number < 2:
                time.sleep(0.7)
        ask = urllib.request.Request(f"{web}/api/v1/verdict/?trace_id={trace.hex()}", headers={"x-api-key": key})
        while time.monotonic() - began < 60:
            with urllib.request.urlopen(ask, timeout=30) as answer:
                if json.load(answer)["verdict"] == "halt":
                    break
            time.sleep(0.05)
        took.append(time.monotonic() - began)
    took.sort()
    print(f"{loops} loops: from the third repeat to `halt` p50 {statistics.median(took):.2f} s, "
          f"p95 {took[int(len(took) * 0.95) - 1]:.2f} s, most {took[-1]:.2f} s")  # fmt: skip


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--requests", type=int, default=10, help="requests of 512 spans between two looks")
    arguments.add_argument("--passes", type=int, default=6)
    arguments.add_argument("--shape", choices=SHAPES, default="realistic")
    arguments.add_argument("--seeds", type=int, default=1, help="requests whose texts differ; fewer repeat each other")
    arguments.add_argument("--live", help="address of a running Tracestore's web")
    arguments.add_argument("--otlp", default="http://127.0.0.1:4318")
    arguments.add_argument("--key", default="")
    arguments.add_argument("--loops", type=int, default=20)
    given = arguments.parse_args()
    if given.live:
        live(given.live, given.otlp, given.key, given.loops)
    else:
        cost(given.requests, given.passes, given.shape, given.seeds)


if __name__ == "__main__":
    main()
