"""A small OpenAI-compatible server with a script instead of a model, so that every example runs offline without a key.

    python examples/fake_model.py [--port 8088]

It knows chat completions and responses (both with tools, both streaming or not), embeddings and the list of models.
The script has two lines: offered a tool `search_kb` that has not answered yet, it calls that; else it gives its answer.
An answer with NOTHING in it is none: as long as that is all the tool says, the model asks again, without end.
Point a client at it with OPENAI_BASE_URL=http://127.0.0.1:8088/v1 and any key.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import itertools
import json
import struct
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOOL = "search_kb"
ARGUMENTS = json.dumps({"query": "refund policy"})
NOTHING = "no results"
ANSWER = "Refunds are paid within 14 days of the return; the shipping fee is not refunded."
REASONING_TOKENS = 32
#: OpenAI caches prompts in steps of so many tokens, from 1024 on; with the examples' short prompts nothing would be.
CACHE_STEP = 16
MODELS = ("gpt-5-mini", "text-embedding-3-small")

_numbers = itertools.count(1)


class RefusedError(Exception):
    """A request that OpenAI would refuse; `param` is the field at fault."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


def new_id(prefix: str) -> str:
    """An id that no other call of this server gets: Tracestore counts calls of one id once."""
    return f"{prefix}{time.time_ns():x}{next(_numbers):04x}"


def tokens(value: Any) -> int:
    """About four characters a token."""
    return len(value if isinstance(value, str) else json.dumps(value)) // 4 + 1


def required(body: dict[str, Any], name: str) -> Any:
    if not body.get(name):
        raise RefusedError(f"Missing required parameter: '{name}'.", name)
    return body[name]


def wants_tool(tools: list[dict[str, Any]], tool_answered: bool) -> bool:
    """Chat completions wrap a tool's name in `function`, responses do not."""
    return not tool_answered and any((tool.get("function") or tool).get("name") == TOOL for tool in tools)


def is_answered(results: list[Any]) -> bool:
    return any(NOTHING not in json.dumps(result) for result in results)


def counts(prompt: Any, output: str) -> tuple[int, int, int, int]:
    """Input tokens, those of them cached, output tokens, those of them spent on reasoning."""
    sent = tokens(prompt)
    return sent, sent // 2 // CACHE_STEP * CACHE_STEP, tokens(output) + REASONING_TOKENS, REASONING_TOKENS


def pieces(text: str, size: int = 16) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def chat_completion(body: dict[str, Any]) -> dict[str, Any]:
    model, messages = required(body, "model"), required(body, "messages")
    answers = [message.get("content") for message in messages if message.get("role") == "tool"]
    call = wants_tool(body.get("tools") or [], is_answered(answers))
    message: dict[str, Any] = {"role": "assistant", "content": None if call else ANSWER, "refusal": None}
    if call:
        function = {"name": TOOL, "arguments": ARGUMENTS}
        message["tool_calls"] = [{"id": new_id("call_"), "type": "function", "function": function}]
    sent, cached, received, reasoning = counts([messages, body.get("tools")], ARGUMENTS if call else ANSWER)
    return {
        "id": new_id("chatcmpl-"),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [
            {"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls" if call else "stop"}
        ],
        "usage": {
            "prompt_tokens": sent,
            "completion_tokens": received,
            "total_tokens": sent + received,
            "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": 0},
        },
    }


def chat_chunks(whole: dict[str, Any], body: dict[str, Any]) -> Iterator[str]:
    """The same completion in chunks; usage comes in a last one without choices, to those who ask for it."""
    choice, message = whole["choices"][0], whole["choices"][0]["message"]
    asked_for_usage = (body.get("stream_options") or {}).get("include_usage")
    same = {name: whole[name] for name in ("id", "created", "model")} | {"object": "chat.completion.chunk"}

    def chunk(choices: list[dict[str, Any]], usage: dict[str, Any] | None = None) -> str:
        return json.dumps({**same, "choices": choices, **({"usage": usage} if asked_for_usage else {})})

    def delta(change: dict[str, Any], finish_reason: str | None = None) -> str:
        return chunk([{"index": 0, "delta": change, "logprobs": None, "finish_reason": finish_reason}])

    yield delta({"role": "assistant", "content": None if message["content"] is None else "", "refusal": None})
    for index, call in enumerate(message.get("tool_calls", [])):
        yield delta({"tool_calls": [{**call, "index": index, "function": {"name": TOOL, "arguments": ""}}]})
        for piece in pieces(call["function"]["arguments"]):
            yield delta({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    for piece in pieces(message["content"] or ""):
        yield delta({"content": piece})
    yield delta({}, choice["finish_reason"])
    if asked_for_usage:
        yield chunk([], whole["usage"])


def response(body: dict[str, Any]) -> dict[str, Any]:
    model, asked = required(body, "model"), required(body, "input")
    items = asked if isinstance(asked, list) else []
    call = wants_tool(
        body.get("tools") or [],
        is_answered([item.get("output") for item in items if item.get("type") == "function_call_output"])
        or bool(body.get("previous_response_id")),
    )
    output: dict[str, Any]
    if call:
        output = {"type": "function_call", "id": new_id("fc_"), "call_id": new_id("call_"), "name": TOOL}
        output |= {"arguments": ARGUMENTS, "status": "completed"}
    else:
        content = [{"type": "output_text", "text": ANSWER, "annotations": [], "logprobs": []}]
        output = {"type": "message", "id": new_id("msg_"), "role": "assistant", "content": content}
        output |= {"status": "completed"}
    prompt = [body.get("instructions"), asked, body.get("tools")]
    sent, cached, received, reasoning = counts(prompt, ARGUMENTS if call else ANSWER)
    return {
        "id": new_id("resp_"),
        "object": "response",
        "created_at": int(time.time()),
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "metadata": body.get("metadata") or {},
        "model": model,
        "output": [output],
        "parallel_tool_calls": True,
        "previous_response_id": body.get("previous_response_id"),
        "temperature": 1.0,
        "top_p": 1.0,
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": body.get("tools") or [],
        "usage": {
            "input_tokens": sent,
            "input_tokens_details": {"cached_tokens": cached},
            "output_tokens": received,
            "output_tokens_details": {"reasoning_tokens": reasoning},
            "total_tokens": sent + received,
        },
    }


def response_events(whole: dict[str, Any], _: dict[str, Any]) -> Iterator[str]:
    """The same response as typed, numbered events."""
    (item,) = whole["output"]
    numbers = itertools.count()
    place = {"item_id": item["id"], "output_index": 0}

    def event(kind: str, **fields: Any) -> str:
        return json.dumps({"type": f"response.{kind}", "sequence_number": next(numbers), **fields})

    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    yield event("created", response=begun)
    yield event("in_progress", response=begun)
    if item["type"] == "function_call":
        yield event("output_item.added", output_index=0, item={**item, "arguments": "", "status": "in_progress"})
        for piece in pieces(item["arguments"]):
            yield event("function_call_arguments.delta", **place, delta=piece)
        yield event("function_call_arguments.done", **place, name=TOOL, arguments=item["arguments"])
    else:
        (part,) = item["content"]
        place["content_index"] = 0
        yield event("output_item.added", output_index=0, item={**item, "content": [], "status": "in_progress"})
        yield event("content_part.added", **place, part={**part, "text": ""})
        for piece in pieces(part["text"]):
            yield event("output_text.delta", **place, delta=piece, logprobs=[])
        yield event("output_text.done", **place, text=part["text"], logprobs=[])
        yield event("content_part.done", **place, part=part)
    yield event("output_item.done", output_index=0, item=item)
    yield event("completed", response=whole)


def embeddings(body: dict[str, Any]) -> dict[str, Any]:
    model, asked = required(body, "model"), required(body, "input")
    texts = asked if isinstance(asked, list) and not all(isinstance(one, int) for one in asked) else [asked]
    data = []
    for index, text in enumerate(texts):
        digest = hashlib.sha256(json.dumps(text).encode()).digest()
        vector = [byte / 127.5 - 1 for byte in digest[: int(body.get("dimensions") or 8)]]
        packed = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
        embedding: Any = packed if body.get("encoding_format") == "base64" else vector
        data.append({"object": "embedding", "index": index, "embedding": embedding})
    sent = sum(map(tokens, texts))
    return {"object": "list", "data": data, "model": model, "usage": {"prompt_tokens": sent, "total_tokens": sent}}


WHOLE = {"/v1/chat/completions": chat_completion, "/v1/responses": response, "/v1/embeddings": embeddings}
STREAMED = {"/v1/chat/completions": chat_chunks, "/v1/responses": response_events}


class Server(ThreadingHTTPServer):
    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        #: The `usage` of every model call answered, in the order they came: what a trace of the caller must add up to.
        self.usage: list[dict[str, Any]] = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            data = [{"id": name, "object": "model", "created": 0, "owned_by": "tracestore-examples"} for name in MODELS]
            self.answer(200, {"object": "list", "data": data})
        else:
            self.refuse(404, f"Unknown request URL: GET {self.path}.")

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path not in WHOLE:
            return self.refuse(404, f"Unknown request URL: POST {self.path}.")
        try:
            body = json.loads(raw)
            if not isinstance(body, dict):
                raise RefusedError("The body must be a JSON object.")
            whole = WHOLE[self.path](body)
        except ValueError:
            return self.refuse(400, "We could not parse the JSON body of your request.")
        except RefusedError as error:
            return self.refuse(400, str(error), error.param)
        if self.path not in STREAMED:
            return self.answer(200, whole)
        self.server.usage.append(whole["usage"])
        if body.get("stream"):
            return self.stream(STREAMED[self.path](whole, body), named=self.path == "/v1/responses")
        return self.answer(200, whole)

    def answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def refuse(self, status: int, message: str, param: str | None = None) -> None:
        error = {"message": message, "type": "invalid_request_error", "param": param, "code": None}
        self.answer(status, {"error": error})

    def stream(self, events: Iterator[str], *, named: bool) -> None:
        """Server-sent events; responses name each after its type, chat completions end with a mark."""
        # Without a length, only the end of the connection ends the body.
        self.close_connection = True
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("connection", "close")
        self.end_headers()
        for event in events:
            name = f"event: {json.loads(event)['type']}\n" if named else ""
            self.wfile.write(f"{name}data: {event}\n\n".encode())
        if not named:
            self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        """Silent: what the examples print is what matters."""


class FakeModel:
    """The server on a thread of this process, for tests: `with FakeModel() as model: … model.base_url`."""

    def __init__(self, port: int = 0) -> None:
        self.server = Server(port)
        self.usage = self.server.usage
        self.base_url = f"http://127.0.0.1:{self.server.server_port}/v1"
        self.thread = threading.Thread(target=self.server.serve_forever, name="fake-model", daemon=True)

    def __enter__(self) -> FakeModel:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description="An OpenAI-compatible server on loopback that answers from a script.")
    parser.add_argument("--port", type=int, default=8088)
    server = Server(parser.parse_args().port)
    print(f"OPENAI_BASE_URL=http://127.0.0.1:{server.server_port}/v1", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
