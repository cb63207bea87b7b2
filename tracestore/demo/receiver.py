"""A receiver of the webhook on loopback: what an on-call engineer's own would be. It checks the signature first."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

SIGNATURE: Final = "X-Tracestore-Signature"
MOST_BYTES: Final = 1024 * 1024

#: What is done with a message whose signature holds.
Take = Callable[[dict[str, Any]], object]


class Receiver(ThreadingHTTPServer):
    """Use as a context manager; `url` is the address for the channel."""

    daemon_threads = True

    def __init__(self, secret: str, take: Take) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.secret, self.take = secret.encode(), take
        self.url = f"http://127.0.0.1:{self.server_port}/"
        #: Messages that were not signed with the secret.
        self.refused = 0

    def __enter__(self) -> Receiver:
        args = (0.1,)  # seconds that its end waits at most
        threading.Thread(target=self.serve_forever, args=args, name="receiver", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def is_signed(self, signature: str, body: bytes) -> bool:
        expected = "sha256=" + hmac.new(self.secret, body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(signature.encode(), expected.encode())


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            return self._answer(413)
        body = self.rfile.read(int(length))
        if not self.server.is_signed(self.headers.get(SIGNATURE, ""), body):
            self.server.refused += 1
            return self._answer(401)
        try:
            message = json.loads(body)
        except ValueError:
            return self._answer(400)
        self.server.take(message)
        return self._answer(200)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """What is received is told by `take`."""


def in_one_line(message: dict[str, Any]) -> str:
    """`opened #3 critical support-triage: search called 9 times · $0.42 · http://…`"""
    ours = message.get("tracestore") or {}
    cost = (ours.get("cost") or {}).get("wasted_usd")
    agent = (message.get("commonLabels") or {}).get("agent", "")
    about = [str(ours.get("event") or message.get("status")), f"#{ours.get('incident')}", ours.get("severity"), agent]
    parts = [
        f"{' '.join(str(one) for one in about if one)}: {ours.get('title', '')}",
        f"${cost:,.4f}" if cost else "",
        str(ours.get("url") or ""),
    ]
    # Titles come from spans: nothing in them may move the terminal's cursor.
    return "".join(one if one.isprintable() else " " for one in " · ".join(part for part in parts if part))
