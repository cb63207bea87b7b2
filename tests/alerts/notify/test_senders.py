"""Each kind of channel against a receiver on loopback: what arrives there, and what its answers mean."""

from __future__ import annotations

import email
import email.policy
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.alerts.notify.conftest import Environment, tls
from tests.alerts.notify.receivers import HttpReceiver, MailReceiver, Reply, mail_receiver
from tests.alerts.notify.samples import MESSAGE, of, outgoing
from tracestore.alerts.notify import mail, senders, slack, webhook
from tracestore.alerts.notify.outcome import Permanent, Retry


def test_webhook(receiver: HttpReceiver) -> None:
    sent = senders.send(outgoing("webhook", {"url": receiver.url + "/hook?a=b", "secret": "s3cret"}))
    [got] = receiver.got
    assert (sent.status, got.path, got.headers["content-type"]) == (200, "/hook?a=b", "application/json")
    assert (
        got.headers["x-tracestore-signature"]
        == (webhook.signed("s3cret", 7, int(got.headers["webhook-timestamp"]), got.body)[webhook.SIGNATURE])
    )
    assert got.headers["webhook-signature"].startswith("v1,")
    assert got.json["tracestore"]["incident"] == 12


def test_pagerduty_triggers_acknowledges_and_resolves_by_one_key(receiver: HttpReceiver) -> None:
    receiver.usual = Reply(202)
    config = {"routing_key": "R" * 32, "url": receiver.url}
    for event in ("opened", "reminder", "acknowledged", "resolved"):
        assert senders.send(outgoing("pagerduty", config, of(event))).status == 202
    assert [got.json["event_action"] for got in receiver.got] == ["trigger", "trigger", "acknowledge", "resolve"]
    assert {got.json["dedup_key"] for got in receiver.got} == {"tracestore/default/incident/12"}
    assert {got.path for got in receiver.got} == {"/v2/enqueue"}


def test_a_test_of_pagerduty_resolves_itself(receiver: HttpReceiver) -> None:
    senders.send(outgoing("pagerduty", {"routing_key": "R", "url": receiver.url}, of("test", number=0, key="t")))
    assert [got.json["event_action"] for got in receiver.got] == ["trigger", "resolve"]


def test_slack_by_incoming_webhook(receiver: HttpReceiver) -> None:
    senders.send(outgoing("slack", {"url": receiver.url + "/services/T/B/x"}))
    assert receiver.got[0].path == "/services/T/B/x"
    assert receiver.got[0].json["blocks"][0]["type"] == "header"


BOT = {"token": "xoxb-1", "channel": "C1"}


def test_slack_by_bot_keeps_one_thread(receiver: HttpReceiver) -> None:
    config = BOT | {"api_url": receiver.url}
    receiver.usual = Reply(body=b'{"ok": true, "channel": "C1", "ts": "1700.1"}')
    first = senders.send(outgoing("slack", config))
    assert first.receipt == "C1:1700.1"
    senders.send(outgoing("slack", config, of("acknowledged"), thread=first.receipt))
    senders.send(outgoing("slack", config, of("escalated"), thread=first.receipt))
    one, two, three = receiver.got
    assert (one.path, one.headers["authorization"]) == ("/api/chat.postMessage", "Bearer xoxb-1")
    assert "thread_ts" not in one.json
    assert (two.json["channel"], two.json["thread_ts"], two.json["reply_broadcast"]) == ("C1", "1700.1", False)
    assert three.json["reply_broadcast"] is True


def test_slack_begins_a_thread_anew_when_the_old_one_is_gone(receiver: HttpReceiver) -> None:
    receiver.replies.append(Reply(body=b'{"ok": false, "error": "thread_not_found"}'))
    receiver.usual = Reply(body=b'{"ok": true, "channel": "C1", "ts": "1800.1"}')
    sent = senders.send(outgoing("slack", BOT | {"api_url": receiver.url}, of("resolved"), thread="C1:1700.1"))
    assert sent.receipt == "C1:1800.1"
    assert "thread_ts" not in receiver.got[1].json


@pytest.mark.parametrize("name", sorted(slack.WRONG_CHANNEL))
def test_slack_refuses_the_channel(receiver: HttpReceiver, name: str) -> None:
    receiver.usual = Reply(body=b'{"ok": false, "error": "%s"}' % name.encode())
    with pytest.raises(Permanent, match=name) as refused:
        senders.send(outgoing("slack", BOT | {"api_url": receiver.url}))
    assert not refused.value.this_one_only


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"ok": false}', b'{"ok": false, "error": "internal_error"}'])
def test_slack_is_asked_again(receiver: HttpReceiver, body: bytes) -> None:
    receiver.usual = Reply(body=body)
    with pytest.raises(Retry):
        senders.send(outgoing("slack", BOT | {"api_url": receiver.url}))


def test_slack_refuses_one_message(receiver: HttpReceiver) -> None:
    receiver.usual = Reply(body=b'{"ok": false, "error": "invalid_blocks"}')
    with pytest.raises(Permanent) as refused:
        senders.send(outgoing("slack", BOT | {"api_url": receiver.url}))
    assert refused.value.this_one_only


def test_alertmanager(receiver: HttpReceiver) -> None:
    for url in (receiver.url, receiver.url + "/", receiver.url + "/api/v2/alerts"):
        senders.send(outgoing("alertmanager", {"url": url}))
    assert {got.path for got in receiver.got} == {"/api/v2/alerts"}
    assert receiver.got[0].json[0]["labels"]["alertname"] == "loops"


TO = {"to": ["ada@example.org", "grace@example.org"]}


def test_mail(mails: MailReceiver) -> None:
    sent = senders.send(outgoing("email", TO))
    [got] = mails.got
    assert (sent.status, sent.note) == (250, "")
    assert (got.sender, got.recipients) == ("tracestore@example.org", TO["to"])
    found = email.message_from_bytes(got.data, policy=email.policy.default)
    assert found["Message-ID"] == sent.receipt
    assert "$18.70 an hour" in found.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_mail_with_a_name_and_password(mails: MailReceiver, environment: Environment) -> None:
    mails.says["AUTH"] = "235 fine"
    environment(smtp_url=f"smtp://trace%40store:p%3Aw@127.0.0.1:{mails.port}")
    senders.send(outgoing("email", TO))
    import base64

    assert base64.b64decode(mails.logins[0].split()[2]) == b"\0trace@store\0p:w"


@pytest.mark.parametrize(
    ("says", "permanent", "mine"),
    [
        ({"CONNECT": "421 busy"}, False, False), ({"MAIL": "451 later"}, False, False),
        ({"MAIL": "550 not you"}, True, False), ({"RCPT": "450 greylisted"}, False, False),
        ({"RCPT": "550 nobody"}, True, False), ({"DATA": "451 later"}, False, False),
        ({"END": "554 spam"}, True, True), ({"END": "552 too large"}, True, True), ({"END": "452 full"}, False, False),
    ],
)  # fmt: skip
def test_what_a_mail_server_says(mails: MailReceiver, says: dict[str, str], permanent: bool, mine: bool) -> None:
    mails.says.update(says)
    with pytest.raises(Permanent if permanent else Retry) as refused:
        senders.send(outgoing("email", TO))
    assert refused.value.status == int(next(iter(says.values()))[:3])
    if isinstance(refused.value, Permanent):
        assert refused.value.this_one_only is mine
    assert mails.got == []


def test_mail_with_a_wrong_password_switches_off(mails: MailReceiver, environment: Environment) -> None:
    mails.says["AUTH"] = "535 no"
    environment(smtp_url=f"smtp://a:b@127.0.0.1:{mails.port}")
    with pytest.raises(Permanent):
        senders.send(outgoing("email", TO))


def test_one_refused_recipient_does_not_keep_it_from_the_others(mails: MailReceiver) -> None:
    mails.says["RCPT ada@example.org"] = "550 nobody"
    assert senders.send(outgoing("email", TO)).note == "Refused: ada@example.org."
    assert mails.got[0].recipients == ["grace@example.org"]


def test_no_mail_server(environment: Environment) -> None:
    environment(smtp_url=None)
    with pytest.raises(Permanent, match="TRACESTORE_SMTP_URL"):
        senders.send(outgoing("email", TO))


def test_a_mail_server_that_is_away_or_silent(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "STEP_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environment(smtp_url=f"smtp://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(Retry):
            senders.send(outgoing("email", TO))
    with pytest.raises(Retry):
        senders.send(outgoing("email", TO))


def test_mail_by_tls_proves_the_name(
    certificate: Path, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "create_connection", to_loopback(socket.create_connection))
    context = tls(certificate, [])
    with mail_receiver(lambda plain: context.wrap_socket(plain, server_side=True)) as receiver:
        environment(smtp_url=f"smtps://hooks.example.org:{receiver.port}", email_from="Tracestore <t@example.org>")
        with pytest.raises(Retry, match="not trusted"):
            senders.send(outgoing("email", TO))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        senders.send(outgoing("email", TO))
        assert [got.sender for got in receiver.got] == ["t@example.org"]


def test_mail_by_starttls_proves_the_name_before_it_says_who_it_is(
    certificate: Path, mails: MailReceiver, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "create_connection", to_loopback(socket.create_connection))
    context = tls(certificate, [])
    mails.secured = lambda plain: context.wrap_socket(plain, server_side=True)
    mails.says["AUTH"] = "235 fine"
    environment(smtp_url=f"smtp+starttls://a:b@hooks.example.org:{mails.port}")
    with pytest.raises(Retry, match="not trusted"):
        senders.send(outgoing("email", TO))
    assert (mails.logins, mails.got) == ([], [])
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    senders.send(outgoing("email", TO))
    assert (len(mails.logins), len(mails.got)) == (1, 1)
    mails.secured = None
    with pytest.raises(Permanent, match="does not offer"):
        senders.send(outgoing("email", TO))


def to_loopback(connect: Any) -> Any:
    """Names lead to loopback; nothing is looked up."""
    return lambda address, *rest, **options: connect(("127.0.0.1", address[1]), *rest, **options)


@pytest.mark.parametrize("begins", [b"", b"220 "])
def test_a_mail_server_that_drips_is_cut_off(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, begins: bytes
) -> None:
    monkeypatch.setattr(mail, "BUDGET_S", 0.4)
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.sendall(begins)
                while not over.wait(0.05):
                    connection.sendall(b"a")

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        environment(smtp_url=f"smtp://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(Retry):
            senders.send(outgoing("email", TO))
        over.set()
        thread.join()


def test_a_sender_that_is_no_address(mails: MailReceiver, environment: Environment) -> None:
    environment(email_from="nobody")
    with pytest.raises(Permanent, match="TRACESTORE_EMAIL_FROM"):
        senders.send(outgoing("email", TO))


def test_apprise_reaches_what_it_is_told(receiver: HttpReceiver) -> None:
    url = f"json://127.0.0.1:{receiver.port}/apprise"
    senders.send(outgoing("apprise", {"url": url}))
    [got] = receiver.got
    assert got.path == "/apprise"
    assert got.json["title"] == "[CRITICAL] #12 support-agent repeats one step"
    assert got.json["type"] == "failure"
    receiver.usual = Reply(500)
    with pytest.raises(Retry):
        senders.send(outgoing("apprise", {"url": url}))


@pytest.mark.usefixtures("public_only")
def test_apprise_needs_the_operators_leave(receiver: HttpReceiver) -> None:
    with pytest.raises(Permanent, match="TRACESTORE_ALLOW_PRIVATE_WEBHOOKS"):
        senders.send(outgoing("apprise", {"url": f"json://127.0.0.1:{receiver.port}/"}))
    assert receiver.got == []


@pytest.mark.usefixtures("public_only")
@pytest.mark.parametrize(
    ("kind", "config"),
    [("webhook", {}), ("pagerduty", {"routing_key": "R"}), ("slack", {}), ("alertmanager", {})],
)  # fmt: skip
def test_every_kind_goes_through_the_guarded_client(receiver: HttpReceiver, kind: str, config: dict[str, str]) -> None:
    with pytest.raises(Permanent, match="not allowed"):
        senders.send(outgoing(kind, config | {"url": receiver.url}, MESSAGE))
    with pytest.raises(Permanent, match="private or reserved"):
        senders.send(outgoing(kind, config | {"url": "http://127.0.0.1:8080"}, MESSAGE))
    assert receiver.got == []


def test_every_kind_has_a_sender() -> None:
    from tracestore.alerts.models import Channel

    assert set(senders.SENDERS) == set(Channel.Kind.values)
