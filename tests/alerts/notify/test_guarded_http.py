"""The client for what leaves the product, threat by threat (the list is that of server-side request forgery)."""

from __future__ import annotations

import http.client
import socket
import time
from pathlib import Path

import pytest

from tests.alerts.notify.conftest import tls
from tests.alerts.notify.receivers import HttpReceiver, Reply, http_receiver
from tracestore.alerts.notify import guarded_http
from tracestore.alerts.notify.outcome import Permanent, Retry

HEADERS = {"Content-Type": "application/json"}


def post(url: str, *addresses: str, body: bytes = b"{}") -> guarded_http.Answer:
    """With a name server that knows `addresses` alone, or none at all: nothing in these tests looks a name up."""

    def resolver(host: str, port: int) -> list[str]:
        if not addresses:
            raise AssertionError(f"{host} was looked up")
        return list(addresses)

    return guarded_http.post(url, body, HEADERS, resolver=resolver)


# Addresses ------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("public_only")
@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "0.0.0.0", "0.1.2.3",
        "169.254.169.254", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.8", "192.0.2.1", "198.18.0.1",
        "198.51.100.7", "203.0.113.7", "192.88.99.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:8.8.8.8", "64:ff9b::7f00:1",
        "64:ff9b::808:808", "64:ff9b:1::1", "2001:0:53aa:64c:0:1234:f5ff:fffe", "2001:db8::1", "2002:7f00:1::",
        "2002:808:808::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
    ],
)  # fmt: skip
def test_private_mapped_and_reserved_addresses_are_refused_whatever_name_leads_there(address: str) -> None:
    with pytest.raises(Permanent, match="private or reserved"):
        post("https://hooks.example.org/x", address)


@pytest.mark.usefixtures("public_only")
def test_one_bad_address_among_good_ones_is_enough() -> None:
    with pytest.raises(Permanent, match="private or reserved"):
        post("https://hooks.example.org/x", "93.184.215.14", "2606:2800:21f::1", "10.0.0.1")


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "100.100.100.200", "fd00:ec2::254", "::ffff:127.0.0.1", "0.0.0.0", "224.0.0.1"]
)
def test_metadata_services_are_refused_even_where_private_addresses_are_allowed(address: str) -> None:
    with pytest.raises(Permanent, match="reserved"):
        post("http://inside.example.org/", address)


@pytest.mark.usefixtures("public_only")
@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_public_addresses_are_connected_to_as_they_are(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    tried: list[tuple[str, int]] = []

    def create_connection(to: tuple[str, int], timeout: float) -> socket.socket:
        tried.append(to)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "create_connection", create_connection)
    with pytest.raises(Retry, match="connection refused"):
        post("https://hooks.example.org/x", address)
    assert tried == [(address, 443)]


# Rebinding ------------------------------------------------------------------------------------------------------------


def test_rebinding_the_name_is_looked_up_once_and_the_checked_address_is_used(receiver: HttpReceiver) -> None:
    asked: list[str] = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.9.9.9"]

    guarded_http.post(f"http://hooks.invalid:{receiver.port}/hook", b"{}", HEADERS, resolver=resolver)
    assert asked == ["hooks.invalid"]
    assert receiver.got[0].headers["host"] == f"hooks.invalid:{receiver.port}"


@pytest.mark.usefixtures("public_only")
def test_rebinding_a_private_second_answer_is_never_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object, **__: object) -> list[object]:
        raise AssertionError("a second look-up")

    def create_connection(to: tuple[str, int], timeout: float) -> socket.socket:
        assert to == ("93.184.215.14", 443)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    monkeypatch.setattr(socket, "create_connection", create_connection)
    with pytest.raises(Retry):
        post("https://hooks.example.org/x", "93.184.215.14")


def test_a_name_that_is_not_known_now_may_be_known_later() -> None:
    def resolver(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(Retry, match="cannot be looked up"):
        guarded_http.post("https://hooks.example.org/", b"{}", HEADERS, resolver=resolver)


def test_a_name_server_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    monkeypatch.setattr(guarded_http, "BUDGET_S", 0.1)
    over = threading.Event()

    def resolver(host: str, port: int) -> list[str]:
        over.wait(20)
        return []

    with pytest.raises(Retry, match="name server"):
        guarded_http.post("https://hooks.example.org/", b"{}", HEADERS, resolver=resolver)
    over.set()


# How an address is written --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("public_only")
@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "127.0.0.1.0x", "017700000001", "8.8", "1.2.3.4.5"],
)
def test_decimal_hex_and_octal_hosts_are_refused_before_anybody_interprets_them(host: str) -> None:
    with pytest.raises(Permanent, match="usual form"):
        post(f"http://{host}/")


@pytest.mark.usefixtures("public_only")
@pytest.mark.parametrize("url", ["http://127.0.0.1./", "http://localhost./", "http://localhost/", "http://[::1]/"])
def test_trailing_dots_and_local_names_end_at_the_check_of_the_address(url: str) -> None:
    address = "::1" if "[" in url else "127.0.0.1"
    with pytest.raises(Permanent, match="private or reserved"):
        post(url, address)


@pytest.mark.parametrize(
    "url", ["https://a..example.org/", "https://.example.org/", "https://example.org../", "https://exa mple.org/",
            "https://exam%70le.org/", "https://example.org\\@evil.example/", "https://exam\nple.org/", "https:///x",
            "https://example.org:x/", "https://example.org:0/", "https://[::1/", "https://-a.example/"]
)  # fmt: skip
def test_odd_hosts_are_refused(url: str) -> None:
    with pytest.raises(Permanent):
        post(url)


@pytest.mark.parametrize(
    "url", ["https://user@example.org/", "https://user:pass@example.org/", "https://example.org@127.0.0.1/",
            "https://@example.org/"]
)  # fmt: skip
def test_userinfo_is_refused(url: str) -> None:
    with pytest.raises(Permanent, match="user name"):
        post(url)


@pytest.mark.parametrize(
    "url", ["ftp://example.org/", "file:///etc/passwd", "gopher://example.org/", "unix:///run/x", "example.org/x",
            "//example.org/x", "javascript:alert(1)", ""]
)  # fmt: skip
def test_wrong_schemes_are_refused(url: str) -> None:
    with pytest.raises(Permanent, match="must begin"):
        post(url)


@pytest.mark.usefixtures("public_only")
@pytest.mark.parametrize("port", [22, 25, 6379, 8123, 9000, 65535])
def test_ports_of_other_services_are_refused(port: int) -> None:
    with pytest.raises(Permanent, match="Port"):
        post(f"http://hooks.example.org:{port}/")


@pytest.mark.usefixtures("public_only")
@pytest.mark.parametrize("port", [80, 443, 8080, 8443, 9093])
def test_usual_ports_are_allowed(port: int) -> None:
    assert guarded_http.checked(f"http://hooks.example.org:{port}/a?b=c", private=False).port == port


def test_names_of_other_alphabets_are_looked_up_in_ascii() -> None:
    assert guarded_http.checked("https://bücher.example/ä?q=ü", private=False) == guarded_http.Target(
        True, "xn--bcher-kva.example", 443, "/%C3%A4?q=%C3%BC"
    )


def test_an_endless_address_is_refused() -> None:
    with pytest.raises(Permanent, match="longer than"):
        post("https://example.org/" + "a" * 3000)


# What the receiver answers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304])
def test_redirects_are_not_followed(receiver: HttpReceiver, status: int) -> None:
    with http_receiver() as elsewhere:
        receiver.usual = Reply(status, headers={"Location": f"{elsewhere.url}/metadata"})
        with pytest.raises(Permanent, match="redirects are not followed") as refused:
            post(receiver.url + "/hook", "127.0.0.1")
        assert refused.value.status == status
        assert not refused.value.this_one_only
        assert (len(receiver.got), elsewhere.got) == (1, [])


def test_a_huge_answer_is_not_read(receiver: HttpReceiver) -> None:
    sent = []

    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            while len(sent) < 2000:
                connection.sendall(b"x" * 65536)
                sent.append(1)
        except OSError:
            pass

    receiver.usual = Reply(raw=flood)
    answer = post(receiver.url, "127.0.0.1")
    assert (answer.status, len(answer.body)) == (200, guarded_http.MOST_ANSWER)
    assert len(sent) < 2000


@pytest.mark.parametrize(
    ("begins", "flood"),
    [(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"), (b"HTTP/1.1 200 OK\r\n", b"a" * 60_000 + b": b\r\n"),
     (b"", b"HTTP/1.1 100 Continue\r\n\r\n")],
)  # fmt: skip
def test_endless_headers_are_not_read(
    receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch, begins: bytes, flood: bytes
) -> None:
    """However many headers http.client takes: clickhouse-connect raises that to 10,000 for the whole process."""
    monkeypatch.setattr(http.client, "_MAXHEADERS", 10**9)
    sent = []

    def send(connection: socket.socket) -> None:
        try:
            connection.sendall(begins)
            while len(sent) < 500_000:
                connection.sendall(flood)
                sent.append(len(flood))
        except OSError:
            pass

    receiver.usual = Reply(raw=send)
    with pytest.raises(Retry):
        post(receiver.url, "127.0.0.1")
    receiver.gone.set()
    assert sum(sent) < 10_000_000


def test_a_bomb_is_not_unpacked(receiver: HttpReceiver) -> None:
    import gzip

    receiver.usual = Reply(body=gzip.compress(b"0" * 10_000_000), headers={"Content-Encoding": "gzip"})
    assert len(post(receiver.url, "127.0.0.1").body) < 20_000
    assert receiver.got[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("begins", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: "])
def test_a_slow_drip_is_cut_off_when_the_whole_time_is_over(
    receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch, begins: bytes
) -> None:
    """Each byte comes within the time limit of a read; all together do not."""
    monkeypatch.setattr(guarded_http, "BUDGET_S", 0.4)

    def drip(connection: socket.socket) -> None:
        connection.sendall(begins)
        try:
            while not receiver.gone.wait(0.05):
                connection.sendall(b"a")
        except OSError:
            pass

    receiver.usual = Reply(raw=drip)
    began = time.monotonic()
    with pytest.raises(Retry, match="longer than"):
        post(receiver.url, "127.0.0.1")
    assert time.monotonic() - began < 5


def test_a_slow_drip_after_the_status_is_cut_off_and_the_status_counts(
    receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who said 200 has it: sending it again would only tell it twice."""
    monkeypatch.setattr(guarded_http, "BUDGET_S", 0.4)

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
        try:
            while not receiver.gone.wait(0.05):
                connection.sendall(b"a")
        except OSError:
            pass

    receiver.usual = Reply(raw=drip)
    began = time.monotonic()
    assert post(receiver.url, "127.0.0.1").status == 200
    assert time.monotonic() - began < 5


def test_a_drip_within_the_handshake_of_tls_is_cut_off_too(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    monkeypatch.setattr(guarded_http, "BUDGET_S", 0.4)
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"\x16\x03\x03\x40\x00")  # a record of 16 KB begins
                try:
                    while not over.wait(0.05):
                        connection.sendall(b"\x02")
                except OSError:
                    pass

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        began = time.monotonic()
        with pytest.raises(Retry):
            post(f"https://hooks.example.org:{server.getsockname()[1]}/", "127.0.0.1")
        assert time.monotonic() - began < 5
        over.set()
        thread.join()


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 2", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nbroken\r\n\r\n"[:9]]
)
def test_nonsense_and_early_ends_are_tried_again(receiver: HttpReceiver, answer: bytes) -> None:
    receiver.usual = Reply(raw=lambda connection: connection.sendall(answer))
    with pytest.raises(Retry):
        post(receiver.url, "127.0.0.1")


def test_nobody_there_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Retry, match="connection refused") as refused:
        post(f"http://127.0.0.1:{port}/", "127.0.0.1")
    assert refused.value.status == 0


def test_the_next_address_is_tried_when_one_takes_no_connection(receiver: HttpReceiver) -> None:
    assert post(f"http://hooks.example.org:{receiver.port}/", "127.0.0.9", "127.0.0.1").status == 200


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_taken(receiver: HttpReceiver, status: int) -> None:
    receiver.usual = Reply(status, body=b"")
    assert post(receiver.url, "127.0.0.1").status == status


@pytest.mark.parametrize(("status", "mine"), [(400, True), (401, False), (403, False), (404, False), (410, False),
                                              (405, False), (413, True), (422, True)])  # fmt: skip
def test_4xx_is_permanent_and_says_whose_fault_it_is(receiver: HttpReceiver, status: int, mine: bool) -> None:
    receiver.usual = Reply(status, body=b"no \x1b[31m<such>\r\nhook")
    with pytest.raises(Permanent) as refused:
        post(receiver.url, "127.0.0.1")
    assert (refused.value.status, refused.value.this_one_only) == (status, mine)
    assert refused.value.reason == f"The receiver answered {status} (no [31m<such> hook)."


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_work_later_is_tried_again(receiver: HttpReceiver, status: int) -> None:
    receiver.usual = Reply(status, headers={"Retry-After": "17"})
    with pytest.raises(Retry) as refused:
        post(receiver.url, "127.0.0.1")
    assert (refused.value.status, refused.value.after_s) == (status, 17)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", None), ("soon", None), ("-5", None), ("99999999999", 3600), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
     ("Fri, 01 Jan 2100 00:00:00 GMT", 3600)],
)  # fmt: skip
def test_retry_after_is_believed_within_reason(text: str, seconds: float | None) -> None:
    assert guarded_http.retry_after(guarded_http.Answer(429, headers={"retry-after": text})) == seconds


# What is sent ---------------------------------------------------------------------------------------------------------


def test_own_user_agent_and_no_proxy_of_the_environment(
    receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with http_receiver() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        post(receiver.url + "/a/b?c=d", "127.0.0.1", body=b"{1}")
        assert proxy.got == []
    got = receiver.got[0]
    assert (got.path, got.body, got.headers["user-agent"]) == ("/a/b?c=d", b"{1}", "Tracestore-Notifications/1")
    assert "cookie" not in got.headers
    assert "authorization" not in got.headers


# TLS ------------------------------------------------------------------------------------------------------------------


def test_tls_asks_for_and_proves_the_name_not_the_address(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = tls(certificate, asked)
    with http_receiver(lambda plain: context.wrap_socket(plain, server_side=True)) as receiver:
        assert post(f"https://hooks.example.org:{receiver.port}/", "127.0.0.1").status == 200
        assert asked == ["hooks.example.org"]
        with pytest.raises(Retry, match="certificate is not trusted"):
            post(f"https://other.example.org:{receiver.port}/", "127.0.0.1")
        with pytest.raises(Retry, match="certificate is not trusted"):
            post(f"https://127.0.0.1:{receiver.port}/", "127.0.0.1")
        assert len(receiver.got) == 1


def test_an_unknown_certificate_is_not_trusted(certificate: Path) -> None:
    context = tls(certificate, [])
    with (
        http_receiver(lambda plain: context.wrap_socket(plain, server_side=True)) as receiver,
        pytest.raises(Retry, match="certificate is not trusted"),
    ):
        post(f"https://hooks.example.org:{receiver.port}/", "127.0.0.1")


def test_nothing_of_http_client_escapes(receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object) -> None:
        raise http.client.IncompleteRead(b"")

    monkeypatch.setattr(http.client.HTTPConnection, "getresponse", broken)
    with pytest.raises(Retry, match="cannot be understood"):
        post(receiver.url, "127.0.0.1")
