"""The one HTTP client for what leaves the product.

People of a project say where their messages go, so an address is not to be trusted: it must not reach what only
this machine can reach, however it is written, whatever it resolves to and whatever the receiver answers. The name is
resolved once, every address found is checked, and the connection is made to a checked one (so that a second answer
of the name server counts for nothing) while TLS still proves the name. Redirects are not followed, proxies of the
environment are not used, and the whole of it is bounded in time and size.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

import msgspec
from django.conf import settings
from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError

from tracestore.alerts.notify import addresses, words
from tracestore.alerts.notify.outcome import Permanent, Retry
from tracestore.alerts.notify.pinned import Deadline, connection_to

#: Seconds for everything: looking up, connecting, TLS, sending, reading the answer.
BUDGET_S: Final = 5.0
#: Bytes of the answer that are read; the rest is left.
MOST_ANSWER: Final = 64 * 1024
MOST_URL: Final = 2000
#: Ports of public receivers: web servers, and Alertmanager's.
PORTS: Final = frozenset({80, 443, 8080, 8443, 9093})
USER_AGENT: Final = "Tracestore-Notifications/1"
#: No receiver is waited for longer than this because it says so.
MOST_WAIT_S: Final = 3600.0
#: Addresses of one name that are tried.
MOST_TRIED: Final = 3
#: A wrong message; anything else of 4xx is a wrong channel.
OF_THE_MESSAGE: Final = frozenset({400, 413, 422})
TRY_AGAIN: Final = frozenset({408, 421, 423, 425, 429})

Resolver = Callable[[str, int], list[str]]


class Target(msgspec.Struct, frozen=True):
    """An address that was looked at: where to go is `host`, as it is looked up."""

    secure: bool
    host: str
    port: int
    path: str

    @property
    def named(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == (443 if self.secure else 80) else f"{name}:{self.port}"


class Answer(msgspec.Struct, frozen=True):
    status: int
    body: bytes = b""
    headers: dict[str, str] = {}


def post(url: str, body: bytes, headers: Mapping[str, str], *, resolver: Resolver | None = None) -> Answer:
    """Posts `body` and answers with what a receiver said that took it (2xx).

    Raises:
        Retry: no answer in time, a broken connection, 408, 429 or 5xx; `after_s` is Retry-After's.
        Permanent: the address is refused, or any other status. 400, 413 and 422 blame the message alone.
    """
    until = time.monotonic() + BUDGET_S
    private = private_allowed()
    target = checked(url, private=private)
    answer = exchange(target, reachable(target, until, private, resolver or look_up), body, headers, until)
    judge(answer)
    return answer


def private_allowed() -> bool:
    return bool(settings.ENVIRONMENT.allow_private_webhooks)


def checked(url: str, *, private: bool) -> Target:
    """What an address says, if it is one that a message may be sent to. Nothing is looked up.

    Raises:
        Permanent: it is none; says why.
    """
    if len(url) > MOST_URL:
        raise Permanent(f"The address is longer than {MOST_URL} characters.")
    if any(ord(letter) <= 0x20 or 0x7F <= ord(letter) < 0xA0 for letter in url) or "\\" in url:
        raise Permanent("The address has spaces, control characters or backslashes.")
    try:
        parts: SplitResult = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Permanent("The address cannot be understood: expected https://HOST/PATH.") from None
    if parts.scheme not in ("http", "https"):
        raise Permanent("The address must begin with https:// or http://.")
    if "@" in parts.netloc:
        raise Permanent("The address has a user name or password before the host, which is not allowed.")
    if not parts.hostname:
        raise Permanent("The address names no host: expected https://HOST/PATH.")
    secure = parts.scheme == "https"
    port = port if port is not None else 443 if secure else 80
    if not 0 < port < 65536 or (port not in PORTS and not private):
        raise Permanent(f"Port {port} is not allowed: expected {', '.join(map(str, sorted(PORTS)))}.")
    bracketed = parts.netloc.startswith("[")
    name = addresses.host(f"[{parts.hostname}]" if bracketed else parts.hostname)
    path = parts.path or "/"
    return Target(secure, name, port, ascii_path(f"{path}?{parts.query}" if parts.query else path))


def ascii_path(path: str) -> str:
    return "".join(letter if letter.isascii() else "".join(f"%{byte:02X}" for byte in letter.encode("utf-8", "replace"))
                   for letter in path)  # fmt: skip


def look_up(host: str, port: int) -> list[str]:
    """All addresses of a name. Raises: OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def reachable(target: Target, until: float, private: bool, resolver: Resolver) -> list[str]:
    """The addresses of the target, all of them checked.

    Raises:
        Retry: the name server does not answer in time or does not know the name now.
        Permanent: one of the addresses is none that a message may go to.
    """
    found: list[str] = []
    failed: list[BaseException] = []

    def ask() -> None:
        try:
            found.extend(resolver(target.host, target.port))
        except (OSError, UnicodeError) as error:
            failed.append(error)

    # Looking up takes no time limit of its own.
    asking = threading.Thread(target=ask, daemon=True, name="look up")
    asking.start()
    asking.join(max(until - time.monotonic(), 0))
    if asking.is_alive():
        raise Retry("The name server did not answer in time.")
    if failed or not found:
        raise Retry("The host's name cannot be looked up.")
    for text in found:
        try:
            fine = addresses.allowed(ip_address(text), private=private)
        except ValueError:
            fine = False
        if not fine:
            raise Permanent(
                "The host is at a private or reserved address, which messages may not be sent to."
                if not private
                else "The host is at a reserved address, which messages may not be sent to."
            )
    return list(dict.fromkeys(found))[:MOST_TRIED]


def exchange(target: Target, at: list[str], body: bytes, headers: Mapping[str, str], until: float) -> Answer:
    """Sends the request to the first of the addresses that takes a connection, and reads the answer.

    Raises:
        Retry: no answer in time, or a broken connection.
    """
    for place, address in enumerate(at):
        with Deadline(until) as deadline:
            connection = connection_to(target.host, target.port, address, deadline, secure=target.secure)
            try:
                try:
                    connection.connect()
                except ssl.SSLError as error:
                    raise Retry(f"TLS failed: {said(error)}.") from None
                except (HTTPError, OSError) as error:
                    if deadline.passed:
                        raise Retry(too_slow()) from None
                    if place + 1 < len(at):
                        continue
                    raise Retry(f"No connection: {said(error)}.") from None
                return ask(connection, target, body, headers, deadline)
            finally:
                connection.close()
    raise Retry("The host has no address.")


def ask(
    connection: HTTPConnection, target: Target, body: bytes, headers: Mapping[str, str], deadline: Deadline
) -> Answer:
    try:
        connection.request(
            "POST",
            target.path,
            body=body,
            headers={
                "Host": target.named, "User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity",
                "Connection": "close", "Content-Length": str(len(body)), **headers,
            },
            preload_content=False,
            decode_content=False,
            enforce_content_length=False,
        )  # fmt: skip
        response = connection.getresponse()
        if deadline.passed:
            # Cut off within the headers, of which http.client takes what there is.
            raise Retry(too_slow())
        answer = {name.lower(): value for name, value in response.headers.items()}
        try:
            read = response.read(MOST_ANSWER, decode_content=False)
        except (HTTPError, OSError):
            # The status is what counts; an answer that breaks off or drags on afterwards changes nothing.
            read = b""
        return Answer(response.status, read, answer)
    except Retry:
        raise
    except TimeoutError:
        raise Retry(too_slow()) from None
    except (HTTPError, OSError, ValueError) as error:
        raise Retry(too_slow() if deadline.passed else f"The connection broke: {said(error)}.") from None
    except Exception as error:
        # http.client's own errors are of no common base that says so: a bad status line, too many headers.
        reason = f"The answer cannot be understood: {said(error)}."
        raise Retry(too_slow() if deadline.passed else reason) from None


def judge(answer: Answer) -> None:
    """Raises: Retry, Permanent, as `post`."""
    status = answer.status
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise Permanent(f"The receiver answered {status}: redirects are not followed.", status)
    if status in TRY_AGAIN or status >= 500:
        raise Retry(f"The receiver answered {status}{quoted(answer)}.", retry_after(answer), status)
    reason = f"The receiver answered {status}{quoted(answer)}."
    raise Permanent(reason, status, this_one_only=status in OF_THE_MESSAGE)


def quoted(answer: Answer) -> str:
    """The beginning of what a receiver says, on one line."""
    text = words.one_line(answer.body[:600].decode("utf-8", "replace"), 160)
    return f" ({text})" if text else ""


def retry_after(answer: Answer) -> float | None:
    """Seconds that the receiver asks for (RFC 9110, 10.2.3: seconds or a date), None if it does not."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return min(float(text[:9]), MOST_WAIT_S)
    try:
        return min(max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0), MOST_WAIT_S)
    except (ValueError, TypeError, OverflowError):
        return None


def said(error: BaseException) -> str:
    """What went wrong, in a few words that name no object of the program."""
    causes = error.__cause__ or error.__context__ or error
    for one in (error, causes):
        if isinstance(one, ssl.SSLCertVerificationError):
            return f"the certificate is not trusted ({one.verify_message})"
        if isinstance(one, TimeoutError):
            return "it took too long"
        if isinstance(one, OSError) and one.strerror:
            return one.strerror.lower()
    return "the receiver broke it off"


def too_slow() -> str:
    return f"The receiver took longer than {BUDGET_S:g} seconds."
