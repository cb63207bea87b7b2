"""The on-call story with a real LangGraph agent: it loops, Tracestore halts it and tells this script's webhook; the
tool is repaired, and Tracestore tells that it is over. Prints what happens, with times.

pip install langgraph langchain langchain-openai openinference-instrumentation-langchain \
opentelemetry-exporter-otlp-proto-http
export OTEL_SERVICE_NAME=support OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318
export OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20KEY   # when Tracestore asks for keys
export TRACESTORE_URL=http://localhost:8000 TRACESTORE_API_KEY=KEY PYTHONPATH=.   # . has tracestore/client

The key needs the scope admin: the story makes a channel, and deletes it at its end. The model is a fake one.
"""

import hashlib
import hmac
import http.server
import json
import os
import secrets
import sys
import threading
import time
import urllib.request

from langchain.agents import create_agent
from langchain_openai import ChatOpenAI
from openinference.instrumentation.langchain import LangChainInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from examples.fake_model import FakeModel
from tracestore.client import Halted
from tracestore.client.langchain import BrakeHandler

URL, KEY = os.environ.get("TRACESTORE_URL", "http://localhost:8000"), os.environ.get("TRACESTORE_API_KEY", "")
AGENT, SECRET, WAIT_SECONDS = f"support_desk_{secrets.token_hex(3)}", secrets.token_urlsafe(24), 120
started = time.monotonic()
told, arrived = [], threading.Condition()


def say(text: str) -> None:
    print(f"{time.monotonic() - started:6.1f} s  {text}", flush=True)


class Receiver(http.server.BaseHTTPRequestHandler):
    """What on-call would run: it believes nobody who does not know the secret."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        expected = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        signed = hmac.compare_digest(self.headers.get("X-Tracestore-Signature", ""), expected)
        self.send_response(200 if signed else 401)
        self.send_header("content-length", "0")
        self.end_headers()
        message = json.loads(body)
        if signed and message["commonLabels"].get("agent") == AGENT:
            with arrived:
                told.append(message)
                arrived.notify_all()

    def log_message(self, *_: object) -> None:
        pass


def api(method: str, path: str, body: object = None) -> dict:
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json", **({"authorization": f"Bearer {KEY}"} if KEY else {})}
    # S310: the address is your own Tracestore.
    request = urllib.request.Request(  # noqa: S310
        f"{URL}/api/v1/{path}", data=data, method=method, headers=headers
    )
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
        return json.loads(response.read() or b"{}")


def wait_for_message(number: int) -> dict:
    with arrived:
        if not arrived.wait_for(lambda: len(told) >= number, WAIT_SECONDS):
            sys.exit(f"no message {number} within {WAIT_SECONDS} s")
    message = told[number - 1]
    ours = message["tracestore"]
    say(f"message {number}, signed: {message['status']}, {ours['title']}, ${ours['cost']['wasted_usd']:.6f} wasted")
    say(f"          {ours['url']}")
    return message


def run(search_kb: object) -> str:
    graph = create_agent(ChatOpenAI(model="gpt-5-mini"), tools=[search_kb], name=AGENT)
    question = {"messages": [{"role": "user", "content": "Can I get my money back?"}]}
    return graph.invoke(question, {"callbacks": [BrakeHandler()]})["messages"][-1].content


def broken(query: str) -> str:
    """Looks something up in the knowledge base."""
    time.sleep(0.3)
    return f"{query}: no results"


def repaired(query: str) -> str:
    """Looks something up in the knowledge base."""
    return f"{query}: returns are accepted for 14 days."


broken.__name__ = repaired.__name__ = "search_kb"

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=500))
LangChainInstrumentor().instrument(tracer_provider=provider)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
config = {"url": f"http://127.0.0.1:{server.server_port}/", "secret": SECRET}
channel = api("POST", "channels/", {"name": f"Story of {AGENT}", "kind": "webhook", "config": config})
try:
    with FakeModel() as model:
        os.environ |= {"OPENAI_BASE_URL": model.base_url, "OPENAI_API_KEY": "offline"}
        say(f"{AGENT} begins; its tool finds nothing, so it asks again, and again")
        try:
            run(broken)
            sys.exit("the agent ended by itself")
        except Halted as halted:
            say(f"halted: {halted} ({halted.verdict.steps} model calls, ${halted.verdict.cost_usd or 0:.6f})")
        incident = wait_for_message(1)["tracestore"]["incident"]
        say("the tool is repaired; the agent runs again")
        say(f"its answer: {run(repaired)}")
        wait_for_message(2)
        say(f"incident {incident} is {api('GET', f'incidents/{incident}/')['state']}; {len(told)} messages in all")
finally:
    api("DELETE", f"channels/{channel['id']}/")
    server.shutdown()
provider.shutdown()
