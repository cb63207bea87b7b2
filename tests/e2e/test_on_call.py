"""The whole of on-call with a real agent's spans: it loops, is halted, one incident opens, one signed message comes;
it is repaired, the incident resolves, one message comes.
"""

from __future__ import annotations

import json
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Tracer

from tests.e2e.stack import API_KEY, Stack
from tracestore.client import Brake, Halted
from tracestore.demo.receiver import Receiver

#: Far longer than it takes. A healthy run counts as a repair after 20 s.
LIMIT_SECONDS = 90
SECRET = "a secret of the on-call test"
#: One step of the agent: what the model takes to answer.
STEP_SECONDS = 0.1


def until(found: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < end:
        if answer := found():
            return answer
        time.sleep(0.2)
    raise AssertionError(f"{what}: not within {LIMIT_SECONDS} s")


def call(stack: Stack, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{stack.web}/api/v1/{path}", data=data, method=method)
    request.add_header("authorization", f"Bearer {API_KEY}")
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request, timeout=30) as response:
        content = response.read()
        return json.loads(content) if content else None


@dataclass
class Mailbox:
    """What the receiver was told, with the time."""

    messages: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    def take(self, message: dict[str, Any]) -> None:
        self.messages.append((time.monotonic(), message))

    def about(self, agent: str) -> list[dict[str, Any]]:
        # Other tests share the installation: their agents have incidents too.
        return [message for _, message in self.messages if message["commonLabels"].get("agent") == agent]


@dataclass
class Agent:
    """Looks something up with a tool and answers. While the tool finds nothing, it asks again, without end."""

    name: str
    tracer: Tracer
    brake: Brake

    def run(self, result: str) -> str:
        """The trace id. Raises Halted."""
        attributes = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": self.name}
        with self.tracer.start_as_current_span(f"invoke_agent {self.name}", attributes=attributes) as run:
            end = time.monotonic() + LIMIT_SECONDS
            while time.monotonic() < end:
                self.brake.stop_if_halted()
                self.ask_model()
                if self.look_up(result) != "no results":
                    return f"{run.get_span_context().trace_id:032x}"
        raise AssertionError("the agent looped on and was not halted")

    def ask_model(self) -> None:
        with self.tracer.start_as_current_span("chat gpt-4o") as chat:
            chat.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai"})
            chat.set_attributes({"gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 4000})
            chat.set_attribute("gen_ai.usage.output_tokens", 200)
            time.sleep(STEP_SECONDS)

    def look_up(self, result: str) -> str:
        with self.tracer.start_as_current_span("execute_tool search_kb") as tool:
            tool.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search_kb"})
            tool.set_attribute("gen_ai.tool.call.arguments", '{"query": "refund policy"}')
            tool.set_attribute("gen_ai.tool.call.result", result)
        return result


@pytest.fixture
def agent(stack: Stack) -> Iterator[Agent]:
    name = f"refunds-{uuid.uuid4().hex[:8]}"
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    exporter = OTLPSpanExporter(f"{stack.otlp_http}/v1/traces", headers={"x-api-key": API_KEY})
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=200))
    # A busy machine may answer slowly; the client's own tests are about that.
    brake = Brake(stack.web, API_KEY, timeout=5, min_interval=0.5)
    yield Agent(name, provider.get_tracer("app"), brake)
    provider.shutdown()


def test_a_loop_is_halted_told_once_repaired_and_told_to_be_over(stack: Stack, agent: Agent) -> None:
    mailbox = Mailbox()
    with Receiver(SECRET, mailbox.take) as receiver:
        fields = {"name": agent.name, "kind": "webhook", "config": {"url": receiver.url, "secret": SECRET}}
        channel = call(stack, "POST", "channels/", fields)
        try:
            halted_and_told(stack, agent, mailbox)
            resolved_and_told(stack, agent, mailbox)
            sent = stack.api(f"channels/{channel['id']}/deliveries/")["results"]
            assert {one["outcome"] for one in sent} == {"sent"}
        finally:
            call(stack, "DELETE", f"channels/{channel['id']}/")
        assert receiver.refused == 0


def halted_and_told(stack: Stack, agent: Agent, mailbox: Mailbox) -> None:
    with pytest.raises(Halted) as halted:
        agent.run("no results")
    verdict = halted.value.verdict
    assert verdict.judged
    assert any("search_kb" in reason for reason in verdict.reasons)
    assert verdict.steps >= 3
    assert verdict.cost_usd is not None
    assert verdict.cost_usd > 0

    (incident,) = until(lambda: stack.api("incidents/", agent=agent.name)["results"], "an incident")
    assert (incident["state"], incident["severity"]) == ("open", "critical")
    until(lambda: mailbox.about(agent.name), "the first message")
    (message,) = mailbox.about(agent.name)
    assert (message["version"], message["status"]) == ("4", "firing")
    assert message["commonLabels"]["detector"] == "loop"
    ours = message["tracestore"]
    assert (ours["event"], ours["incident"]) == ("opened", incident["id"])
    assert "search_kb" in ours["title"]
    assert ours["cost"]["wasted_usd"] > 0
    assert ours["url"] == message["externalURL"]
    assert ours["url"].startswith("http")
    assert ours["url"].rstrip("/").endswith(f"/incidents/{incident['id']}")


def resolved_and_told(stack: Stack, agent: Agent, mailbox: Mailbox) -> None:
    # The repaired run is another trace, and nobody stops it.
    agent.run("Returns are accepted for 14 days.")

    def resolved() -> Any:
        (found,) = stack.api("incidents/", agent=agent.name)["results"]
        return found["state"] == "resolved" and found

    until(resolved, "the incident's end")
    until(lambda: len(mailbox.about(agent.name)) > 1, "the second message")
    first, second = mailbox.about(agent.name)
    assert second["status"] == "resolved"
    assert second["tracestore"]["event"] == "resolved"
    assert second["groupKey"] == first["groupKey"]
    agent.run("Returns are accepted for 14 days.")
    assert len(mailbox.about(agent.name)) == 2
