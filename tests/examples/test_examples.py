"""The examples as text, their fake model on the wire, and the one that needs nothing but OpenTelemetry for real.

What needs a framework is run by `examples/check.py`.
"""

from __future__ import annotations

import base64
import http.server
import json
import os
import re
import struct
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from examples import check
from examples.fake_model import ANSWER, FakeModel
from tracestore.spans.decode import decode_protobuf
from tracestore.spans.normalise import normalise

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
README = (EXAMPLES / "README.md").read_text()
SCRIPTS = sorted(path for path in EXAMPLES.glob("*.py") if path.stem not in check.NOT_EXAMPLES)
QUESTION = {"role": "user", "content": "Can I get my money back?"}
SCHEMA = {"type": "object", "properties": {"query": {"type": "string"}}}
CHAT_TOOL = {"type": "function", "function": {"name": "search_kb", "parameters": SCHEMA}}
RESPONSES_TOOL = {"type": "function", "name": "search_kb", "parameters": SCHEMA}

HALTED = [script for script in SCRIPTS if script.stem.endswith(check.HALTED)]
one_by_one = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
each_halted = pytest.mark.parametrize("script", HALTED, ids=lambda script: script.stem)


def test_every_framework_has_an_example() -> None:
    assert {script.stem for script in SCRIPTS} == {
        "autogen_agent",
        "crewai_agent",
        "crewai_halted",
        "langgraph_agent",
        "langgraph_halted",
        "openai_agents_agent",
        "openai_agents_halted",
        "plain_openai_sdk",
        "plain_otel",
        "pydantic_ai_agent",
        "pydantic_ai_halted",
    }


@one_by_one
def test_it_is_short_valid_and_ends_by_flushing(script: Path) -> None:
    source = script.read_text()
    compile(source, script.name, "exec")
    lines = source.splitlines()
    assert len(lines) <= (55 if script in HALTED else 45)
    assert lines[-1] == "provider.shutdown()"


@one_by_one
def test_its_docstring_says_what_to_install_and_to_export(script: Path) -> None:
    assert "opentelemetry-exporter-otlp-proto-http" in check.install_words(script)
    source = script.read_text()
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318\n" in source
    assert "OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20KEY " in source


@one_by_one
def test_it_is_offline_unless_told_otherwise(script: Path) -> None:
    hosts = re.findall(r"https?://([^/:\s\"]+)", script.read_text())
    assert set(hosts) <= {"localhost", "127.0.0.1"}


@pytest.mark.parametrize("script", [one for one in SCRIPTS if one not in HALTED], ids=lambda script: script.stem)
def test_the_readme_tells_the_same(script: Path) -> None:
    """Its row installs what the example installs. The lines to add: `tests/operations/test_book.py`."""
    (row,) = [line for line in README.splitlines() if line.endswith(f"[{script.name}]({script.name}) |")]
    _, _, install, _, _ = row.split("|")
    instrumentation = [word for word in check.install_words(script) if "instrumentation" in word]
    assert re.findall(r"`([^`]+)`", install) == instrumentation


@each_halted
def test_the_halted_one_differs_by_the_brake(script: Path) -> None:
    """The packages are those of the example without it, and the lines that the documents name stand in it."""
    plain = script.with_name(script.name.replace(check.HALTED, "_agent"))
    assert check.install_words(script) == check.install_words(plain)
    source = script.read_text()
    assert "export TRACESTORE_URL=http://localhost:8000 TRACESTORE_API_KEY=KEY PYTHONPATH=." in source
    document = (EXAMPLES.parent / "docs" / "client.md").read_text()
    imported = [line for line in source.splitlines() if "tracestore.client" in line and "import Halted" not in line]
    assert all(line.replace("Halted, ", "") in document for line in imported)
    assert f"[{script.name}]({script.name})" in README


@pytest.fixture(scope="module")
def model() -> Iterator[FakeModel]:
    with FakeModel() as running:
        yield running


def post(model: FakeModel, path: str, body: Any) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(model.base_url + path, data=content, headers={"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        answer: bytes = response.read()
        return answer


def asked(server: FakeModel, path: str, **body: Any) -> Any:
    return json.loads(post(server, path, {"model": "gpt-5-mini"} | body))


def streamed(model: FakeModel, path: str, **body: Any) -> list[tuple[str, Any]]:
    """The events' names ('' for none) and data."""
    raw = post(model, path, {"model": "gpt-5-mini", "stream": True, **body}).decode()
    assert raw.endswith("\n\n")
    found = []
    for block in raw.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append(
            (fields.get("event", ""), fields["data"] if fields["data"] == "[DONE]" else json.loads(fields["data"]))
        )
    return found


def assert_usage(usage: dict[str, Any], sent: str, received: str) -> None:
    """Cached tokens are among those sent, reasoning ones among those received, as OpenAI counts."""
    assert usage["total_tokens"] == usage[sent] + usage[received]
    assert 0 <= usage[f"{sent}_details"]["cached_tokens"] < usage[sent]
    assert 0 < usage[f"{received}_details"]["reasoning_tokens"] < usage[received]


def test_chat_calls_the_tool_then_answers(model: FakeModel) -> None:
    first = asked(model, "/chat/completions", messages=[QUESTION], tools=[CHAT_TOOL])
    assert first["object"] == "chat.completion"
    (choice,) = first["choices"]
    (call,) = choice["message"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert call["type"] == "function"
    assert call["function"]["name"] == "search_kb"
    assert json.loads(call["function"]["arguments"]) == {"query": "refund policy"}
    assert_usage(first["usage"], "prompt_tokens", "completion_tokens")
    assert first["usage"]["prompt_tokens_details"]["cached_tokens"] > 0

    result = {"role": "tool", "tool_call_id": call["id"], "content": "14 days"}
    second = asked(model, "/chat/completions", messages=[QUESTION, choice["message"], result], tools=[CHAT_TOOL])
    assert second["id"] != first["id"]
    assert second["choices"][0]["finish_reason"] == "stop"
    assert second["choices"][0]["message"]["content"] == ANSWER
    assert "tool_calls" not in second["choices"][0]["message"]
    assert model.usage[-2:] == [first["usage"], second["usage"]]


def test_a_model_whose_tool_finds_nothing_asks_again_without_end(model: FakeModel) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "search_kb", "arguments": "{}"}}
    messages: list[dict[str, Any]] = [QUESTION]
    items: list[dict[str, Any]] = [QUESTION]
    for turn in range(5):
        choice = asked(model, "/chat/completions", messages=messages, tools=[CHAT_TOOL])["choices"][0]
        assert choice["finish_reason"] == "tool_calls"
        messages += [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": f"no results {turn}"},
        ]
        (item,) = asked(model, "/responses", input=items, tools=[RESPONSES_TOOL])["output"]
        assert item["type"] == "function_call"
        items += [item, {"type": "function_call_output", "call_id": item["call_id"], "output": "no results"}]
    messages[-1] = {**messages[-1], "content": "14 days"}
    answer = asked(model, "/chat/completions", messages=messages, tools=[CHAT_TOOL])
    assert answer["choices"][0]["message"]["content"] == ANSWER


def test_chat_never_calls_a_tool_that_was_not_offered(model: FakeModel) -> None:
    other = {"type": "function", "function": {"name": "book_hotel", "parameters": SCHEMA}}
    for tools in ([], [other]):
        answer = asked(model, "/chat/completions", messages=[QUESTION], tools=tools)
        assert answer["choices"][0]["message"]["content"] == ANSWER


@pytest.mark.parametrize("with_usage", [True, False])
def test_chat_streams(model: FakeModel, with_usage: bool) -> None:
    options = {"stream_options": {"include_usage": True}} if with_usage else {}
    *named, end = streamed(model, "/chat/completions", messages=[QUESTION], tools=[CHAT_TOOL], **options)
    assert end == ("", "[DONE]")
    chunks = [data for _, data in named]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in chunks}) == 1
    if with_usage:
        last = chunks.pop()
        assert last["choices"] == []
        assert_usage(last["usage"], "prompt_tokens", "completion_tokens")
        assert all(chunk["usage"] is None for chunk in chunks)
    else:
        assert not any("usage" in chunk for chunk in chunks)
    choices = [chunk["choices"][0] for chunk in chunks]
    assert choices[0]["delta"]["role"] == "assistant"
    assert [choice["finish_reason"] for choice in choices if choice["finish_reason"]] == ["tool_calls"]
    calls = [call for choice in choices for call in choice["delta"].get("tool_calls", [])]
    assert calls[0]["function"]["name"] == "search_kb"
    assert calls[0]["id"]
    assert {call["index"] for call in calls} == {0}
    assert json.loads("".join(call["function"]["arguments"] for call in calls)) == {"query": "refund policy"}


def test_chat_streams_text(model: FakeModel) -> None:
    events = streamed(model, "/chat/completions", messages=[QUESTION])
    assert "".join(data["choices"][0]["delta"].get("content") or "" for _, data in events[:-1]) == ANSWER


def test_responses_calls_the_tool_then_answers(model: FakeModel) -> None:
    first = asked(model, "/responses", input="Can I get my money back?", tools=[RESPONSES_TOOL])
    assert (first["object"], first["status"]) == ("response", "completed")
    (call,) = first["output"]
    assert (call["type"], call["name"]) == ("function_call", "search_kb")
    assert json.loads(call["arguments"]) == {"query": "refund policy"}
    assert_usage(first["usage"], "input_tokens", "output_tokens")
    assert first["usage"]["input_tokens_details"]["cached_tokens"] > 0

    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "14 days"}
    by_items = asked(model, "/responses", input=[QUESTION, call, result], tools=[RESPONSES_TOOL])
    by_id = asked(model, "/responses", input=[result], previous_response_id=first["id"], tools=[RESPONSES_TOOL])
    for second in (by_items, by_id):
        (message,) = second["output"]
        assert (message["type"], message["role"]) == ("message", "assistant")
        assert [part["text"] for part in message["content"]] == [ANSWER]


@pytest.mark.parametrize("tools", [[RESPONSES_TOOL], []], ids=["tool", "text"])
def test_responses_streams(model: FakeModel, tools: list[Any]) -> None:
    events = streamed(model, "/responses", input="Can I get my money back?", tools=tools)
    assert [name for name, _ in events] == [data["type"] for _, data in events]
    assert [data["sequence_number"] for _, data in events] == list(range(len(events)))
    assert [events[0][0], events[-1][0]] == ["response.created", "response.completed"]
    (item,) = events[-1][1]["response"]["output"]
    kind = "response.function_call_arguments.delta" if tools else "response.output_text.delta"
    whole = "".join(data["delta"] for name, data in events if name == kind)
    assert whole == (item["arguments"] if tools else item["content"][0]["text"])
    assert_usage(events[-1][1]["response"]["usage"], "input_tokens", "output_tokens")


def test_embeddings(model: FakeModel) -> None:
    plain = asked(model, "/embeddings", model="text-embedding-3-small", input=["one", "two"], encoding_format="float")
    packed = asked(model, "/embeddings", model="text-embedding-3-small", input="two", encoding_format="base64")
    assert [one["index"] for one in plain["data"]] == [0, 1]
    assert plain["data"][0]["embedding"] != plain["data"][1]["embedding"]
    raw = base64.b64decode(packed["data"][0]["embedding"])
    assert list(struct.unpack(f"<{len(raw) // 4}f", raw)) == pytest.approx(plain["data"][1]["embedding"])
    assert plain["usage"]["prompt_tokens"] == plain["usage"]["total_tokens"] > 0


@pytest.mark.parametrize(
    ("path", "body", "status", "param"),
    [
        ("/chat/completions", {"model": "gpt-5-mini"}, 400, "messages"),
        ("/responses", {"input": "hello"}, 400, "model"),
        ("/embeddings", b"not json", 400, None),
        ("/chat/completions", [], 400, None),
        ("/images", {}, 404, None),
    ],
)
def test_what_openai_would_refuse_is_refused(
    model: FakeModel, path: str, body: Any, status: int, param: str | None
) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        post(model, path, body)
    assert refused.value.code == status
    error = json.loads(refused.value.read())["error"]
    assert error["type"] == "invalid_request_error"
    assert error["message"]
    assert error["param"] == param
    refused.value.close()


class Sink(http.server.BaseHTTPRequestHandler):
    """Keeps the export requests that it gets."""

    received: list[tuple[str, str | None, bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.received.append((self.path, self.headers["authorization"], body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nobody reads the access log of a test."""


def test_plain_otel_runs_and_is_understood() -> None:
    class Handler(Sink):
        received: list[tuple[str, str | None, bytes]] = []  # noqa: RUF012 (this test's own class)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    environment |= {
        "OTEL_SERVICE_NAME": "support",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20KEY",
    }
    try:
        script = [sys.executable, str(EXAMPLES / "plain_otel.py")]
        ended = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=60)
    finally:
        server.shutdown()
        server.server_close()
    assert (ended.returncode, ended.stderr) == (0, "")
    ((path, authorization, body),) = Handler.received
    assert (path, authorization) == ("/v1/traces", "Bearer KEY")
    spans = {span.type: span for span in map(normalise, decode_protobuf(body).records)}
    assert set(spans) == {"agent", "llm", "tool"}
    assert spans["agent"].agent == "support_desk"
    assert spans["agent"].session_id == "ticket-1042"
    assert (spans["llm"].model, spans["llm"].input_tokens, spans["llm"].output_tokens) == ("gpt-5-mini", 120, 18)
    assert spans["llm"].cost_usd is not None
    assert (spans["tool"].tool_name, spans["tool"].input) == ("search_kb", '{"query":"refund policy"}')


def test_the_check_lets_an_example_reach_nothing_but_loopback(tmp_path: Path) -> None:
    script = tmp_path / "curious.py"
    # 192.0.2.0/24 is for documentation: even without the guard this would reach nobody.
    script.write_text(
        "import socket\n"
        "listening = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(('localhost', listening.getsockname()[1])).close()\n"
        "for host in ('telemetry.invalid', '192.0.2.1'):\n"
        "    try:\n"
        "        socket.create_connection((host, 443), timeout=5)\n"
        "    except OSError as error:\n"
        "        assert 'loopback' in str(error)\n"
    )
    assert check.run(script, Path(sys.executable), tmp_path, {}) == ("", ["telemetry.invalid", "192.0.2.1"])


def test_the_check_says_why_an_example_failed(tmp_path: Path) -> None:
    script = tmp_path / "broken.py"
    script.write_text("raise SystemExit('no such framework')")
    complaint, _ = check.run(script, Path(sys.executable), tmp_path, {})
    assert complaint == "ended with 1: no such framework"


def test_the_check_refuses_an_unknown_example() -> None:
    ended = subprocess.run(
        [sys.executable, str(EXAMPLES / "check.py"), "nonesuch"], capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 2
    assert "no example nonesuch; there are autogen_agent, " in ended.stderr
