"""Receivers on loopback that keep what they get: HTTP, and a mail server that says what it is told to say."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec


@dataclass
class Got:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


#: Takes the connection over; for answers that no library would give.
Raw = Callable[[socket.socket], None]


@dataclass
class Reply:
    status: int = 200
    body: bytes = b"ok"
    headers: dict[str, str] = field(default_factory=dict)
    raw: Raw | None = None


class HttpReceiver:
    def __init__(self, port: int) -> None:
        self.port = port
        self.got: list[Got] = []
        #: What to answer next; when it is empty, `usual`.
        self.replies: deque[Reply] = deque()
        self.usual = Reply()
        self.gone = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    receiver: HttpReceiver

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Senders break off in some tests; that is no error of the receiver."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        receiver = self.server.receiver
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        receiver.got.append(Got(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        reply = receiver.replies.popleft() if receiver.replies else receiver.usual
        self.close_connection = True
        if reply.raw is not None:
            reply.raw(self.connection)
            return
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@contextmanager
def http_receiver(wrap: Callable[[socket.socket], socket.socket] | None = None) -> Iterator[HttpReceiver]:
    server = _Server(("127.0.0.1", 0), _Handler)
    if wrap is not None:
        server.socket = wrap(server.socket)
    server.receiver = HttpReceiver(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.receiver
    finally:
        server.receiver.gone.set()
        server.shutdown()
        server.server_close()


@dataclass
class Mail:
    sender: str
    recipients: list[str]
    data: bytes


class MailReceiver:
    def __init__(self, port: int) -> None:
        self.port = port
        self.got: list[Mail] = []
        #: Answers by the command they are for: {"MAIL": "451 later"}; `RCPT a@b` for one recipient alone.
        self.says: dict[str, str] = {}
        self.logins: list[str] = []
        #: Makes TLS of a connection that asks for it by STARTTLS.
        self.secured: Callable[[socket.socket], socket.socket] | None = None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"


class _MailServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    receiver: MailReceiver

    def handle_error(self, request: Any, client_address: Any) -> None:
        """As of HTTP."""


class _MailHandler(socketserver.StreamRequestHandler):
    server: _MailServer

    def handle(self) -> None:
        with suppress(OSError):
            self.talk()
        if self.connection is not self.request:
            self.connection.close()

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def talk(self) -> None:
        receiver, mail = self.server.receiver, Mail("", [], b"")
        self.say(receiver.says.get("CONNECT", "220 receiver"))
        while line := self.rfile.readline():
            text = line.decode().strip()
            command = text[:4].upper()
            if command == "DATA" and "DATA" not in receiver.says:
                self.say("354 go on")
                lines = []
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(line[1:] if line.startswith(b"..") else line)
                mail.data = b"".join(lines)
                if "END" not in receiver.says:
                    receiver.got.append(mail)
                self.say(receiver.says.get("END", "250 taken"))
                mail = Mail("", [], b"")
                continue
            answer = receiver.says.get(command, "250 fine")
            if command == "EHLO":
                offers = ["receiver", *(["AUTH PLAIN"] if "AUTH" in receiver.says else []),
                          *(["STARTTLS"] if receiver.secured else [])]  # fmt: skip
                answer = "\r\n".join([*(f"250-{offer}" for offer in offers[:-1]), f"250 {offers[-1]}"])
            elif command == "STAR" and receiver.secured:
                self.say("220 go on")
                self.connection = receiver.secured(self.connection)
                self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
                continue
            elif command == "AUTH":
                receiver.logins.append(text)
            elif command == "MAIL":
                mail.sender = text.partition("<")[2].partition(">")[0]
            elif command == "RCPT":
                address = text.partition("<")[2].partition(">")[0]
                answer = receiver.says.get(f"RCPT {address}", answer)
                if answer.startswith("2"):
                    mail.recipients.append(address)
            elif command == "QUIT":
                self.say("221 bye")
                return
            self.say(answer)


@contextmanager
def mail_receiver(wrap: Callable[[socket.socket], socket.socket] | None = None) -> Iterator[MailReceiver]:
    server = _MailServer(("127.0.0.1", 0), _MailHandler)
    if wrap is not None:
        server.socket = wrap(server.socket)
    server.receiver = MailReceiver(server.server_address[1])
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield server.receiver
    finally:
        server.shutdown()
        server.server_close()
