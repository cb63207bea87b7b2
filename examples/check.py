"""Runs every example as its reader would and looks at the result through Tracestore's API.

    .venv/bin/python examples/check.py                      all of them, against a Tracestore of its own
    .venv/bin/python examples/check.py crewai_agent         only this one
    .venv/bin/python examples/check.py --endpoint http://localhost:4318 --web http://localhost:8000 --key KEY

For each: a virtual environment with what the example's own install line names, a run against the fake model, and a
comparison of the trace with what that model was asked for. Not part of the test suite: it installs 1.7 GB of packages.
While an example runs, it can reach nothing but loopback, and what it tried to reach is reported.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
# The script is started by its path, and uses the tests' way to start a Tracestore.
sys.path.insert(0, str(ROOT))

from examples.fake_model import FakeModel  # noqa: E402
from tests.e2e.stack import API_KEY, Stack  # noqa: E402

NOT_EXAMPLES = ("check", "fake_model", "on_call_story")
#: How those are called that loop until Tracestore halts them. They need the packages of the `_agent` of that name.
HALTED = "_halted"
AGENT, TOOL, SESSION = "support_desk", "search_kb", "ticket-1042"
#: AutoGen's tool spans carry no result, so none need be there; where one is, it must be right.
WITHOUT_RESULT = ("autogen_agent",)
#: What `plain_otel` claims; it calls no model that could be asked.
CLAIMED_USAGE = {"prompt_tokens": 120, "completion_tokens": 18}

#: Put before everything else by Python itself (`sitecustomize`), so that imports are watched too.
GUARD = """
import os, sys

def refuse(event, arguments):
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else "localhost"
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host in (None, "", "localhost", "::1") or host.startswith("127."):
        return
    with open(os.environ["EXAMPLES_REACHED_FOR"], "a") as reached_for:
        reached_for.write(f"{host}\\n")
    raise OSError(f"{host} is not on loopback")

sys.addaudithook(refuse)
"""


@dataclass
class Seen:
    """The traces of one run, added up."""

    traces: list[dict[str, Any]]
    spans: list[dict[str, Any]]
    details: list[dict[str, Any]]

    def total(self, name: str) -> int:
        return sum(trace[name] for trace in self.traces)

    def names(self, kind: str, field: str) -> list[str]:
        return [span[field] for span in self.spans if span["type"] == kind]


class Api:
    def __init__(self, web: str, key: str) -> None:
        self.web, self.key = web, key

    def get(self, path: str, **parameters: str | int) -> Any:
        # S310: the address is the caller's own.
        request = urllib.request.Request(  # noqa: S310
            f"{self.web}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        )
        if self.key:
            request.add_header("authorization", f"Bearer {self.key}")
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            return json.load(response)

    def see(self, service: str, limit: float = 20) -> Seen:
        """All traces of a service, once two looks in a row agree and there is a model call among them."""
        end, before = time.monotonic() + limit, None
        while True:
            traces = self.get("traces/", service=service, limit=100)["results"]
            now = [
                (trace["trace_id"], trace["span_count"], trace["llm_calls"], trace["tool_calls"]) for trace in traces
            ]
            if time.monotonic() > end or (now == before and any(trace["llm_calls"] for trace in traces)):
                break
            before = now
            time.sleep(1.5)
        spans = [span for trace in traces for span in self.get(f"traces/{trace['trace_id']}/")["spans"]]
        wanted = [span for span in spans if span["type"] in ("llm", "tool")]
        details = [self.get(f"traces/{span['trace_id']}/spans/{span['span_id']}/") for span in wanted]
        return Seen(traces, spans, details)


def install_words(path: Path) -> list[str]:
    """The packages of the `pip install` line in an example's docstring."""
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    line = next(line for line in text.splitlines() if line.startswith("pip install "))
    return shlex.split(line)[2:]


def install(path: Path, work: Path) -> Path:
    """A virtual environment with the example's packages; kept ones are used again. Returns its interpreter."""
    home = work / path.stem.replace(HALTED, "_agent")
    python, done = home / "bin" / "python", home / "installed"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *install_words(path)], check=True)
        done.touch()
    return python


def versions(python: Path, words: list[str]) -> str:
    """`name version` of each package that an install line names, the exporter aside."""
    names = [re.split(r"[\[<>=]", word)[0] for word in words if "exporter" not in word] or ["opentelemetry-sdk"]
    program = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    found = subprocess.run([str(python), "-c", program, *names], capture_output=True, text=True, check=True)
    return ", ".join(map(" ".join, zip(names, found.stdout.split(), strict=True)))


def run(path: Path, python: Path, work: Path, environment: dict[str, str]) -> tuple[str, list[str]]:
    """Its complaint ('' when it ended well), and the hosts that it reached for beyond loopback.

    What it printed is in `work`, in NAME.output.
    """
    guard, reached_for = work / "guard", work / f"{path.stem}.reached-for"
    guard.mkdir(exist_ok=True)
    (guard / "sitecustomize.py").write_text(GUARD)
    reached_for.write_text("")
    # Nothing of the caller's own environment: a key or an endpoint in it would change what is tested.
    clean = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    # The brake is imported from here, as by somebody who has not installed it.
    own = {"HOME": str(work), "PYTHONPATH": f"{guard}:{ROOT}", "EXAMPLES_REACHED_FOR": str(reached_for)}
    try:
        ended = subprocess.run(
            [str(python), str(path)],
            cwd=work, env=clean | own | environment, capture_output=True, text=True, timeout=180,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        (work / f"{path.stem}.output").write_text("")
        return "not done after 180 s", reached_for.read_text().split()
    (work / f"{path.stem}.output").write_text(ended.stdout + ended.stderr)
    lines = ended.stderr.strip().splitlines() or ["no message"]
    return f"ended with {ended.returncode}: {lines[-1]}" if ended.returncode else "", reached_for.read_text().split()


def amount(usage: dict[str, Any], names: tuple[str, str], part: str = "") -> int:
    """One number of a `usage`, under the name that chat completions or that responses give it."""
    found = usage.get(names[0], usage.get(names[1], {} if part else 0))
    return int(found.get(part, 0) if part else found)


def complaints(seen: Seen, usage: list[dict[str, Any]], name: str) -> list[str]:
    """What is not as it should be; empty when Tracestore shows what happened."""
    calls = usage or [CLAIMED_USAGE]
    expected = {
        "llm_calls": len(calls),
        "input_tokens": sum(amount(call, ("prompt_tokens", "input_tokens")) for call in calls),
        "output_tokens": sum(amount(call, ("completion_tokens", "output_tokens")) for call in calls),
        "cache_read_tokens": sum(
            amount(call, ("prompt_tokens_details", "input_tokens_details"), "cached_tokens") for call in calls
        ),
        "reasoning_tokens": sum(
            amount(call, ("completion_tokens_details", "output_tokens_details"), "reasoning_tokens") for call in calls
        ),
        "tool_calls": 1,
        "errors": 0,
    }
    found = [f"{key} {seen.total(key)}, not {value}" for key, value in expected.items() if seen.total(key) != value]
    agents = set(seen.names("agent", "agent"))
    checks: list[tuple[bool, str]] = [
        (agents == {AGENT}, f"agents {sorted(agents)}"),
        (all(trace["agent"] == AGENT for trace in seen.traces), f"traces of {[one['agent'] for one in seen.traces]}"),
        (seen.names("tool", "tool_name") == [TOOL], f"tools {seen.names('tool', 'tool_name')}"),
        (not any(trace["status"] == "error" for trace in seen.traces), "status error"),
        (all(trace["unpriced_calls"] == 0 for trace in seen.traces), "calls without a price"),
        (all(trace["session_id"] == SESSION for trace in seen.traces), "another session or none"),
    ]
    for span in seen.details:
        said = json.dumps(span["messages"])
        if span["type"] == "llm":
            checks.append((bool(span["messages"]["input"] and span["messages"]["output"]), f"messages: {said[:200]}"))
            checks.append(("money back" in said, "the question is not in the messages"))
        else:
            checks.append(("refund policy" in (span["input"] or ""), f"arguments {span['input']!r}"))
            silent = name in WITHOUT_RESULT and not span["output"]
            checks.append((silent or "14 days" in (span["output"] or ""), f"result {span['output']!r}"))
    return found + [complaint for fine, complaint in checks if not fine]


def halting_complaints(seen: Seen, said: str) -> list[str]:
    """What is not as it should be of an example that is to be halted."""
    rounds = seen.total("tool_calls")
    checks: list[tuple[bool, str]] = [
        ("halted after" in said and "loop: search_kb called" in said, "it was not halted for a loop"),
        # Far from the limits that its framework has, and after as many as a loop needs to be one.
        (3 <= rounds <= 40, f"{rounds} calls of the tool"),
        (seen.total("findings") >= 1, "no finding"),
        (AGENT in seen.names("agent", "agent"), f"agents {sorted(set(seen.names('agent', 'agent')))}"),
    ]
    return [complaint for fine, complaint in checks if not fine]


def check(path: Path, work: Path, endpoint: str, api: Api) -> dict[str, str]:
    """One example, as a row of the table."""
    python = install(path, work)
    row = {"example": path.stem, "versions": versions(python, install_words(path))}
    service = f"{path.stem}-{uuid.uuid4().hex[:8]}"
    environment = {"OTEL_SERVICE_NAME": service, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OPENAI_API_KEY": "offline"}
    environment |= {"TRACESTORE_URL": api.web, "TRACESTORE_API_KEY": api.key}
    if api.key:
        environment["OTEL_EXPORTER_OTLP_HEADERS"] = "authorization=" + urllib.parse.quote(f"Bearer {api.key}")
    with FakeModel() as model:
        complaint, hosts = run(path, python, work, environment | {"OPENAI_BASE_URL": model.base_url})
    seen = api.see(service)
    row |= {
        "traces": str(len(seen.traces)),
        "spans": str(seen.total("span_count")),
        "agent": " ".join(sorted({trace["agent"] for trace in seen.traces})),
        "llm": str(seen.total("llm_calls")),
        "tokens": f"{seen.total('input_tokens')}/{seen.total('output_tokens')}",
        "tools": " ".join(dict.fromkeys(seen.names("tool", "tool_name"))),
        "errors": str(seen.total("errors")),
    }
    wrong = [complaint] if complaint else []
    if path.stem.endswith(HALTED):
        wrong += halting_complaints(seen, (work / f"{path.stem}.output").read_text())
    else:
        wrong += complaints(seen, model.usage, path.stem)
    wrong += [f"reached for {host}" for host in dict.fromkeys(hosts)]
    return row | {"result": "; ".join(wrong) or "ok"}


def print_table(rows: list[dict[str, str]]) -> None:
    lines = [list(rows[0]), *(list(row.values()) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="examples, without .py; all unless given")
    parser.add_argument("--endpoint", help="OTLP/HTTP of a running Tracestore, instead of one of its own")
    parser.add_argument("--web", help="web address of the same Tracestore")
    parser.add_argument("--key", default="", help="an API key of it that may ingest and read")
    parser.add_argument("--work", type=Path, help="keep the virtual environments and outputs here, for a next time")
    options = parser.parse_args()
    if bool(options.endpoint) != bool(options.web):
        parser.error("--endpoint and --web go together")
    known = {path.stem: path for path in sorted(EXAMPLES.glob("*.py")) if path.stem not in NOT_EXAMPLES}
    if unknown := [name for name in options.names if name not in known]:
        parser.error(f"no example {', '.join(unknown)}; there are {', '.join(known)}")
    with contextlib.ExitStack() as stack:
        work = options.work or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tracestore-examples-")))
        work = work.resolve()
        work.mkdir(parents=True, exist_ok=True)
        if options.endpoint:
            endpoint, api = options.endpoint, Api(options.web.rstrip("/"), options.key)
        else:
            running = stack.enter_context(Stack(work / f"tracestore-{uuid.uuid4().hex[:8]}"))
            endpoint, api = running.otlp_http, Api(running.web, API_KEY)
        rows = []
        for name in options.names or known:
            print(f"{name} …", file=sys.stderr, flush=True)
            rows.append(check(known[name], work, endpoint, api))
        print_table(rows)
    return 0 if all(row["result"] == "ok" for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
