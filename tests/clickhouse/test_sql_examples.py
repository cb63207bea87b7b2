"""examples/sql: each program is run as `reader` on known data; what cannot be run is checked for its form."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
from typing import Any

import pytest
import yaml

from tests.clickhouse.spans import SECOND, START, llm, span
from tests.clickhouse.test_writer import write
from tests.engine_process import EngineProcess
from tracestore.clickhouse import client
from tracestore.environment import ROOT

EXAMPLES = ROOT / "examples/sql"


@pytest.fixture(autouse=True)
def environment(store: EngineProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACESTORE_SQL_HOST", store.host)
    monkeypatch.setenv("TRACESTORE_SQL_PORT", str(store.port))
    monkeypatch.setenv("TRACESTORE_SQL_PASSWORD", store.reader_password)
    write(
        span(1, type="agent", agent="planner", end_ns=START + 60 * SECOND),
        llm(2, parent=1, agent="planner", cost_usd=0.5),
        llm(3, parent=1, agent="planner", cost_usd=None),
        span(4, parent=1, type="tool", agent="planner", tool_name="search", status="error", input="q", output="r"),
    )
    write(span(1, trace=2, type="agent", agent="writer"))


def test_the_program_prints_the_right_figures(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "read_with_clickhouse_connect.py"))
    assert capsys.readouterr().out.splitlines()[:3] == [
        "planner: 1 runs, 0.5000 USD",
        "writer: 1 runs, price unknown",
        "search failed 1 times",
    ]


def test_the_notebook_runs_from_top_to_bottom() -> None:
    notebook = json.loads((EXAMPLES / "agents.ipynb").read_text())
    assert notebook["nbformat"] == 4
    assert all(cell["outputs"] == [] for cell in notebook["cells"] if cell["cell_type"] == "code")
    names: dict[str, Any] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec(compile(cell["source"], f"agents.ipynb#{cell['id']}", "exec"), names)
    assert names["cost"][["agent", "cost", "unpriced"]].to_numpy().tolist() == [["planner", 0.5, 1]]
    assert names["tools"][["tool_name", "calls", "error_rate"]].to_numpy().tolist() == [["search", 1, 1.0]]
    assert names["run"]["type"].tolist() == ["agent", "llm", "llm", "tool"]


def test_the_curl_commands_answer(store: EngineProcess) -> None:
    text = (EXAMPLES / "README.md").read_text()
    commands = re.findall(r"^    (curl -u .*?)\n\n", text, re.M | re.S)
    assert len(commands) == 2
    answers = []
    for command in commands:
        local = command.replace("127.0.0.1:8123", f"{store.host}:{store.port}")
        done = subprocess.run(
            ["bash", "-c", local.replace("curl ", "curl -sS --fail-with-body ", 1)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        answers.append(done.stdout)
    assert "planner" in answers[0]
    assert json.loads(answers[1])["arguments"] == "q"


def test_the_grafana_source_names_what_is_there() -> None:
    (source,) = yaml.safe_load((EXAMPLES / "grafana-datasource.yaml").read_text())["datasources"]
    assert (source["type"], source["jsonData"]["username"]) == ("grafana-clickhouse-datasource", "reader")
    assert source["secureJsonData"] == {"password": "$TRACESTORE_SQL_PASSWORD"}
    traces = source["jsonData"]["traces"]
    there = {row[0] for row in client.run("DESCRIBE TABLE otel_traces").result_rows}
    named = {value for key, value in traces.items() if key.endswith("Column")}
    assert len(named) == 10
    assert named <= there
    assert traces["defaultTable"] == source["jsonData"]["defaultTable"] == "otel_traces"
